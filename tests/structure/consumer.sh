#!/usr/bin/env bash
# consumer.sh <build dir> <work dir>: installs into an empty prefix, then builds and runs a stranger's C program against
# it, once through find_package and once through pkg-config.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 work=$2
rm -rf "$work"
cmake --install "$build" --component plugin --prefix "$work/prefix" > /dev/null

cmake -S "$here/consumer" -B "$work/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" > /dev/null
cmake --build "$work/cmake" > /dev/null
"$work/cmake/consumer"
[[ ! -f $work/cmake/panel_consumer ]] || "$work/cmake/panel_consumer"

libdir=$(dirname "$(find "$work/prefix" -name libsaccade.so)")
flags=$(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs saccade)
# shellcheck disable=SC2086
cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$here/consumer/consumer.c" $flags -Wl,-rpath,"$libdir" -o "$work/by_pkgconfig"
"$work/by_pkgconfig"
if [[ -f $libdir/pkgconfig/saccade_panel.pc ]]; then
    flags=$(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs saccade_panel)
    # shellcheck disable=SC2086
    cc -std=c99 -Wall -Wextra -Wpedantic -Werror "$here/consumer/panel_consumer.c" $flags -Wl,-rpath,"$libdir" \
        -o "$work/panel_by_pkgconfig"
    "$work/panel_by_pkgconfig"
fi

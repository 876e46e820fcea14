#!/usr/bin/env bash
# bundle.sh <source dir> <build dir> <work dir>: the archive is under 60 MB, and runs on a Linux that has the C and C++
# runtime, a Vulkan driver and nothing else: such a root is put together in the work folder and entered.
set -euo pipefail
source_dir=$1 build=$2 work=$3
rm -rf "$work"
mkdir -p "$work/root/tmp"
archive=$("$source_dir/.ci/bundle" "$build" "$work")
bytes=$(stat -c %s "$archive")
echo "$(basename "$archive"): $bytes bytes"
[[ $bytes -lt 60000000 ]] || { echo "60 MB or more"; exit 1; }
tar -C "$work/root" -xf "$archive"
mv "$work"/root/saccade-* "$work/root/saccade"

# Not one library may come from elsewhere but what the bundle leaves to the system on purpose.
system='^(linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|resolv|util|mvec|stdc\+\+|gcc_s))[.-]'
strays=$(ldd "$work"/root/saccade/bin/* | awk -v bundle="$work/root/saccade/" '$2 == "=>" && index($3, bundle) != 1 {print $1}' |
    sort -u | grep -vE "$system" || true)
[[ -z $strays ]] || { echo "needed from the system: $strays"; exit 1; }

driver=$(find /usr/lib -name libvulkan_lvp.so -print -quit)
loader=$(find /usr/lib -name libvulkan.so.1 -print -quit)
[[ -n $driver && -n $loader ]] || { echo "SKIPPED: the bundle in an empty root because there is no CPU driver here"; exit 0; }
copy() { cp -L --parents -t "$work/root" "$@"; }
copy "$driver" "$loader" /usr/share/vulkan/icd.d/lvp_icd.*.json /bin/sh
ldd "$driver" "$loader" /bin/sh "$work"/root/saccade/bin/* |
    awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\// && $1 !~ /:$/ {print $1}' | sort -u | grep -v "^$work" |
    while read -r file; do copy "$file"; done

enter=(chroot)
[[ $(id -u) == 0 ]] || enter=(unshare --map-root-user chroot)
"${enter[@]}" "$work/root" /bin/sh -c true || { echo "SKIPPED: the bundle in an empty root because it cannot be entered here"; exit 0; }
# There is no /proc in that root: the dynamic linker has to be told where the programs are.
inside() { env -i LD_ORIGIN_PATH=/saccade/bin PATH=/usr/sbin:/usr/bin:/sbin:/bin "${enter[@]}" "$work/root" "$@"; }
inside /saccade/bin/saccade devices
for room in base vk; do
    inside /bin/sh -c "cd /saccade && SACCADE_TEST_ROOT=share/saccade SACCADE_TEST_NO_VALIDATION=1 bin/test_$room"
done
rm -rf "$work"

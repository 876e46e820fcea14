#!/usr/bin/env bash
# format.sh <source dir>: every C and C++ file is as `./dev format` leaves it.
cd "$1" && find compute engine plugins samples tests \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \) -print0 |
    xargs -0 clang-format --dry-run -Werror

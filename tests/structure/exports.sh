#!/usr/bin/env bash
# exports.sh <library> <symbol>: a library of ours exports that symbol alone, has no unique ones (they would forbid
# unloading), and needs nothing beyond the C and C++ runtime: no ImGui, GLFW, FFmpeg, protobuf or Vulkan loader.
set -euo pipefail
library=$1 symbol=$2
exported=$(nm -D --defined-only "$library" | awk '{print $3}')
[[ $exported == "$symbol" ]] || { echo "exports other than $symbol: $exported"; exit 1; }
if nm "$library" | awk '$2 == "u"' | grep .; then
    echo "unique symbols"
    exit 1
fi
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
allowed='^(libc|libm|libdl|libpthread|libgcc_s|libstdc\+\+|ld-linux-x86-64)\.so'
if grep -vE "$allowed" <<< "$needed"; then
    echo "needs other libraries"
    exit 1
fi
echo "exports: $exported; needs: $(tr '\n' ' ' <<< "$needed")"

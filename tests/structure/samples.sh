#!/usr/bin/env bash
# samples.sh <bin>: hello and foreign_host find the dog on a photograph, through the ABI alone: on a device of the plugin's
# own, and on the host's in both modes with the validation layer. Exit code 77: skipped, the photograph or weights are missing.
set -euo pipefail
bin=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
real=${SACCADE_REAL:-$root/../shared/real}
weights=$real/detect-fastestdet/FastestDet.onnx picture=$real/photos/dog_bike_car.jpg
model=$root/assets/models/fastestdet
for file in "$weights" "$picture"; do
    [[ -f $file ]] || { echo "SKIPPED: samples because $file is missing"; exit 77; }
done

# finds_dog <command...>: succeeds, names a dog, and the layer has nothing to say.
finds_dog() {
    local said
    said=$("$@" 2>&1) || { echo "$*: exit code $?"; echo "$said"; exit 1; }
    grep -q dog <<< "$said" || { echo "$*: no dog"; echo "$said"; exit 1; }
    ! grep -iE 'VUID|SYNC-HAZARD' <<< "$said" || { echo "$*: the validation layer objects"; exit 1; }
}
finds_dog "$bin/hello" "$model" "$picture" "$weights"
for mode in own shared; do
    finds_dog "$bin/foreign_host" "$model" "$picture" --weights "$weights" --mode "$mode" --frames 3 --validation
done
if "$bin/hello" "$model" "$root/no such picture.png" "$weights" 2> /dev/null; then
    echo "hello takes a picture that does not exist"
    exit 1
fi
echo "hello and foreign_host found the dog"

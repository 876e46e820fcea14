#!/usr/bin/env bash
# samples.sh <bin>: hello and foreign_host find the person on a photograph, through the ABI alone: on a device of the plugin's
# own, and on the host's in each mode with the validation layer. Exit code 77: skipped, the photograph or weights are missing.
set -euo pipefail
bin=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
real=${SACCADE_REAL:-$root/../shared/real}
weights=$real/detect-fastestdet/FastestDet.onnx picture=$real/photos/grace_hopper.png
model=$root/assets/models/fastestdet
for file in "$weights" "$picture"; do
    [[ -f $file ]] || { echo "SKIPPED: samples because $file is missing"; exit 77; }
done

# finds_person <command...>: succeeds, names a person, and the layer has nothing to say.
finds_person() {
    local said
    said=$("$@" 2>&1) || { echo "$*: exit code $?"; echo "$said"; exit 1; }
    grep -q person <<< "$said" || { echo "$*: no person"; echo "$said"; exit 1; }
    ! grep -iE 'VUID|SYNC-HAZARD' <<< "$said" || { echo "$*: the validation layer objects"; exit 1; }
}
finds_person "$bin/hello" "$model" "$picture" "$weights"
for mode in own shared commands; do
    finds_person "$bin/foreign_host" "$model" "$picture" --weights "$weights" --mode "$mode" --frames 3 --validation
done
for wrong in "$root/no such picture.png" "$weights" "$real/photos/dog_bike_car.jpg"; do
    for program in hello foreign_host; do
        code=0
        said=$("$bin/$program" "$model" "$wrong" 2>&1) || code=$?
        [[ $code == 1 && $said == "$program: $wrong: "* ]] || { echo "$program $wrong: exit code $code, $said"; exit 1; }
    done
done
echo "hello and foreign_host found the person"

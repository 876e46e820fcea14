#!/usr/bin/python3
"""Scores the house detector on a held-out dataset, as the plugin runs it:

    saccade scene --dataset test --count 1000 --seed 3
    ./score.py --saccade PATH/saccade --data test

Needs Debian's python3-numpy. The pictures go through `saccade detect`, preprocessing and suppression included. As is usual for
this score, boxes count down to a score of 0.001. With --every-class a place may give several classes, each with its score,
as many tools do for this score; without, its best one, as when the detector runs live.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import mean_ap  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saccade", default="saccade", help="the program")
    parser.add_argument("--data", required=True, metavar="DIR", help="a dataset of `saccade scene`")
    parser.add_argument("--model", default=HERE, metavar="DIR")
    parser.add_argument("--every-class", action="store_true", help="of each place every class, not its best alone")
    parser.add_argument("--json", action="store_true", help="the figures as one line of JSON")
    given = parser.parse_args()

    with open(os.path.join(given.data, "annotations.json")) as file:
        data = json.load(file)
    with open(os.path.join(given.model, "card.json")) as file:
        labels = json.load(file)["labels"]
    kinds = {c["id"]: labels.index(c["name"]) for c in data["categories"]}
    row = {os.path.basename(image["file_name"]): i for i, image in enumerate(data["images"])}
    number = {image["id"]: i for i, image in enumerate(data["images"])}
    truths = [[] for _ in data["images"]]
    hidden = 0
    for a in data["annotations"]:
        if not a["ignore"]:
            x, y, w, h = a["bbox"]
            truths[number[a["image_id"]]].append((kinds[a["category_id"]], x, y, x + w, y + h))
            hidden += a["visible"] <= 0.7

    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model")
        shutil.copytree(given.model, model)
        if given.every_class:
            with open(os.path.join(model, "card.json")) as file:
                card = json.load(file)
            card["head"]["multi_label"] = True
            with open(os.path.join(model, "card.json"), "w") as file:
                json.dump(card, file)
        run = subprocess.run([given.saccade, "detect", "--model", model, "--score", "0.001", "--iou", "0.5", "--json",
                              os.path.join(given.data, "images")], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{given.saccade} detect ended with {run.returncode}")
    results = [None] * len(truths)
    for line in run.stdout.splitlines():
        frame = json.loads(line)
        results[row[os.path.basename(frame["source"])]] = [
            (labels.index(d["label"]), d["score"], *d["box"]) for d in frame["detections"]]
    missing = results.count(None)
    if missing:
        sys.exit(f"{missing} pictures of {given.data} have no result")

    score = mean_ap.evaluate([numpy.array(t, float).reshape(-1, 5) for t in truths],
                             [numpy.array(r, float).reshape(-1, 6) for r in results], len(labels))
    if given.json:
        print(json.dumps(score))
        return
    objects = sum(map(len, truths))
    print(f"{len(truths)} pictures, {objects} objects, {hidden / max(objects, 1):.0%} of them at least 30 % hidden")
    print(f"mAP50 {score['map50']:.3f}   mAP50-95 {score['map']:.3f}")
    print(f"objects below 32 x 32: mAP50 {score['small_map50']:.3f}   mAP50-95 {score['small_map']:.3f}")
    print("mAP50 by class: " + "  ".join(f"{name} {value:.3f}" for name, value in zip(labels, score["per_class50"])))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The house detector's file as it lies in the project, through the plugin: it finds what is in pictures of a seed that
nothing was tuned on, and keeps the ids of what it follows. The one argument is the program `saccade`."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../assets/models/toybox")
SACCADE = sys.argv.pop()
PICTURES, CLIPS = 80, 2


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


class Toybox(unittest.TestCase):
    def test_size(self):
        self.assertLess(os.path.getsize(os.path.join(MODEL, "model.onnx")), 2_000_000)

    def test_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data")
            run(SACCADE, "scene", "--dataset", data, "--count", str(PICTURES), "--seed", "1234")
            score = json.loads(run(sys.executable, os.path.join(MODEL, "score.py"), "--saccade", SACCADE, "--data",
                                   data, "--json"))
        print(score)
        # On 1,000 pictures see the model's README; on 80 the figures vary by some hundredths.
        self.assertGreater(score["map50"], 0.87)
        self.assertGreater(score["map"], 0.65)

    def test_tracks(self):
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data")
            run(SACCADE, "scene", "--dataset", data, "--clips", "--count", str(CLIPS), "--seed", "1234")
            tracks = os.path.join(folder, "tracks")
            with open(tracks, "w") as file:
                file.write(run(SACCADE, "detect", "--model", MODEL, "--track", "--json",
                               *sorted(glob.glob(os.path.join(data, "clips", "*.mp4")))))
            score = json.loads(run(SACCADE, "score", "--json", data, tracks))
        print(score)
        self.assertGreater(score["idf1"], 0.85)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""The house detector's recipe on a handful of pictures: a run that is interrupted and goes on ends with the same file as
one that was not; what is wrong is told in a sentence. The one argument is the program `saccade`."""
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

RECIPE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../assets/models/toybox/recipe.py")
SACCADE = sys.argv.pop()
STEPS = 24


class Recipe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.data = os.path.join(cls.folder.name, "data")
        subprocess.run([SACCADE, "scene", "--dataset", cls.data, "--count", "8", "--seed", "4"], check=True,
                       stderr=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def start(self, name, **changes):
        given = {"train": self.data, "val": self.data, "steps": STEPS, "batch": 2, "look": 1000, "threads": 1,
                 "state": os.path.join(self.folder.name, name + ".pt"),
                 "out": os.path.join(self.folder.name, name + ".onnx"), **changes}
        words = [word for key, value in given.items() for word in ("--" + key, str(value))]
        return subprocess.Popen([sys.executable, "-W", "ignore", RECIPE, *words], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def file(self, name):
        with open(os.path.join(self.folder.name, name), "rb") as file:
            return file.read()

    def test_interrupted_and_resumed(self):
        whole = self.start("whole")
        self.assertEqual(whole.wait(), 0, whole.stderr.read())
        whole.communicate()

        part = self.start("part")
        for line in part.stdout:
            if line.startswith("step 5/"):
                part.send_signal(signal.SIGINT)
                break
        said = part.communicate()[1]
        self.assertNotEqual(part.returncode, 0)
        self.assertIn("interrupted; the same command goes on at step", said)
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "part.onnx")))

        other = self.start("part", steps=STEPS + 1)
        self.assertIn(f"of a run of {STEPS} steps of 2", other.communicate()[1])
        self.assertNotEqual(other.returncode, 0)

        rest = self.start("part")
        told, said = rest.communicate()
        self.assertEqual(rest.returncode, 0, said)
        self.assertIn("going on at step", told)
        self.assertNotIn("\nstep 1/", told)
        self.assertEqual(self.file("part.onnx"), self.file("whole.onnx"))
        self.assertLess(len(self.file("whole.onnx")), 2 << 20)

    def test_wrong_folders_and_states(self):
        with open(os.path.join(self.folder.name, "damaged.pt"), "wb") as file:
            file.write(b"not a state")
        lost = os.path.join(self.folder.name, "lost")
        os.mkdir(lost)
        shutil.copy(os.path.join(self.data, "annotations.json"), lost)
        for name, changes, expected in (("a", {"train": self.folder.name}, "not a dataset of `saccade scene`"),
                                        ("b", {"train": lost}, "not a picture that can be read"),
                                        ("damaged", {}, "not a state of this recipe")):
            run = self.start(name, **changes)
            said = run.communicate()[1]
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(expected, said)
            self.assertNotIn("Traceback", said)


if __name__ == "__main__":
    missing = [name for name in ("torch", "onnx", "numpy", "PIL") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"SKIPPED: the recipe's test, which needs Python's {', '.join(missing)}")
        sys.exit(0)
    unittest.main()

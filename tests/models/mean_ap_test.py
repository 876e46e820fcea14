#!/usr/bin/python3
"""The score of detectors on examples worked by hand."""
import os
import sys
import unittest

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../assets/models"))
from mean_ap import average_precision, evaluate, overlaps  # noqa: E402


def truth(*boxes):
    return numpy.array(boxes, float).reshape(-1, 5)


def found(*boxes):
    return numpy.array(boxes, float).reshape(-1, 6)


class MeanAveragePrecision(unittest.TestCase):
    def test_overlap(self):
        # 10 x 10 and the same moved by 5: 50 of 150.
        self.assertAlmostEqual(overlaps(numpy.array([[0, 0, 10, 10.0]]), numpy.array([[5, 0, 15, 10.0]]))[0, 0], 1 / 3)

    def test_precision_is_the_best_at_a_recall_or_above(self):
        # Right, wrong, right of two objects: recall to 0.5 at precision 1 (51 of 101 points), the rest at 2/3.
        self.assertAlmostEqual(average_precision(numpy.array([1, 0, 1]), 2), (51 + 50 * 2 / 3) / 101)

    def test_wrong_first(self):
        self.assertAlmostEqual(average_precision(numpy.array([0, 1]), 1), 0.5)

    def test_an_object_never_found_counts(self):
        # One of four found: recalls 0 to 0.25, 26 of 101 points.
        self.assertAlmostEqual(average_precision(numpy.array([1]), 4), 26 / 101)

    def test_perfect(self):
        result = evaluate([truth([0, 0, 0, 50, 50], [1, 60, 0, 90, 40])],
                          [found([0, 0.9, 0, 0, 50, 50], [1, 0.8, 60, 0, 90, 40])], 2)
        self.assertEqual(result["map"], 1.0)
        self.assertEqual(result["map50"], 1.0)

    def test_a_loose_box_counts_for_the_low_thresholds_only(self):
        # 100 x 100 against 100 x 77: overlap 0.77, right for 0.5 to 0.75: six of ten thresholds.
        result = evaluate([truth([0, 0, 0, 100, 100])], [found([0, 0.9, 0, 0, 100, 77])], 1)
        self.assertEqual(result["map50"], 1.0)
        self.assertAlmostEqual(result["map"], 0.6)

    def test_a_second_detection_of_an_object_is_wrong(self):
        # Twice the first object before the second: right, wrong, right.
        result = evaluate([truth([0, 0, 0, 50, 50], [0, 60, 0, 90, 40])],
                          [found([0, 0.9, 0, 0, 50, 50], [0, 0.8, 0, 0, 50, 51], [0, 0.7, 60, 0, 90, 40])], 1)
        self.assertAlmostEqual(result["map50"], (51 + 50 * 2 / 3) / 101)

    def test_another_class_is_wrong_and_missing(self):
        result = evaluate([truth([0, 0, 0, 50, 50])], [found([1, 0.9, 0, 0, 50, 50])], 2)
        self.assertEqual(result["map50"], 0.0)  # class 1 has no object and is left out

    def test_pictures_share_one_ranking(self):
        # A wrong box of 0.95 in one picture comes before the right one of 0.9 in the other.
        result = evaluate([truth(), truth([0, 0, 0, 50, 50])],
                          [found([0, 0.95, 0, 0, 50, 50]), found([0, 0.9, 0, 0, 50, 50])], 1)
        self.assertAlmostEqual(result["map50"], 0.5)

    def test_small_objects_apart(self):
        # Large ones neither help nor harm, found or not; a large wrong box is not counted.
        result = evaluate([truth([0, 0, 0, 10, 10], [0, 100, 100, 200, 200])],
                          [found([0, 0.9, 100, 100, 200, 200], [0, 0.8, 0, 100, 90, 200], [0, 0.7, 0, 0, 10, 10])], 1)
        self.assertEqual(result["small_map50"], 1.0)
        self.assertLess(result["map50"], 1.0)


if __name__ == "__main__":
    unittest.main()

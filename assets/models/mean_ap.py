"""Mean average precision as COCO defines it (https://cocodataset.org/#detection-eval): precision interpolated at 101
recalls, 100 detections of a class a picture, thresholds of overlap from 0.5 to 0.95 in steps of 0.05. Checked by
tests/models/mean_ap_test.py."""
import numpy

OVERLAPS = numpy.linspace(0.5, 0.95, 10)
RECALLS = numpy.linspace(0, 1, 101)
SMALL = 32.0 ** 2  # square pixels: objects below are reported apart


def overlaps(a, b):
    """Intersection over union of boxes x1, y1, x2, y2: A x 4 and B x 4 -> A x B."""
    low = numpy.maximum(a[:, None, :2], b[None, :, :2])
    high = numpy.minimum(a[:, None, 2:], b[None, :, 2:])
    inside = numpy.clip(high - low, 0, None).prod(-1)
    area = (a[:, 2:] - a[:, :2]).prod(-1)[:, None] + (b[:, 2:] - b[:, :2]).prod(-1)[None]
    return inside / numpy.maximum(area - inside, 1e-12)


def match(truth, ignored, found, limit):
    """Greedily, the best score first: each detection takes the free object it overlaps most, an ignored one only if
    there is no other. Gives for each detection 1 (right), 0 (wrong) or -1 (not counted)."""
    free = numpy.ones(len(truth), bool)
    table = overlaps(found, truth) if len(truth) and len(found) else numpy.zeros((len(found), len(truth)))
    result = numpy.zeros(len(found), int)
    for i in range(len(found)):
        best, at = min(limit, 1 - 1e-10), -1
        for pass_ignored in (False, True):
            for j in range(len(truth)):
                if free[j] and ignored[j] == pass_ignored and table[i, j] >= best:
                    best, at = table[i, j], j
            if at >= 0:
                break
        if at >= 0:
            free[at] = False
            result[i] = -1 if ignored[at] else 1
    return result


def average_precision(right, count):
    """`right`: 1 or 0 for each detection, best score first; `count` objects. NaN if there are none."""
    if not count:
        return numpy.nan
    hits = numpy.cumsum(right)
    recall = hits / count
    precision = hits / (numpy.arange(len(right)) + 1)
    precision = numpy.maximum.accumulate(precision[::-1])[::-1]  # the best at this recall or above
    at = numpy.searchsorted(recall, RECALLS - 1e-12, side="left")
    return float(numpy.mean([precision[i] if i < len(precision) else 0.0 for i in at]))


def evaluate(truths, results, classes, most=100):
    """truths: for each picture N x 5 (class, x1, y1, x2, y2); results: M x 6 (class, score, x1, y1, x2, y2).
    Gives map, map50, small_map, small_map50 (objects below SMALL; others are ignored then) and per_class50."""

    def mean_over(area_limit):
        table = numpy.full((classes, len(OVERLAPS)), numpy.nan)
        for kind in range(classes):
            count, scores = 0, []
            marks = [[] for _ in OVERLAPS]
            for truth, found in zip(truths, results):
                boxes = truth[truth[:, 0] == kind, 1:]
                mine = found[found[:, 0] == kind]
                mine = mine[numpy.argsort(-mine[:, 1], kind="stable")][:most]
                ignored = (boxes[:, 2:] - boxes[:, :2]).prod(-1) >= area_limit
                outside = (mine[:, 4:] - mine[:, 2:4]).prod(-1) >= area_limit
                count += int((~ignored).sum())
                scores.append(mine[:, 1])
                for mark, limit in zip(marks, OVERLAPS):
                    hit = match(boxes, ignored, mine[:, 2:], limit)
                    hit[(hit == 0) & outside] = -1
                    mark.append(hit)
            score = numpy.concatenate(scores) if scores else numpy.zeros(0)
            order = numpy.argsort(-score, kind="stable")
            for t, mark in enumerate(marks):
                hit = numpy.concatenate(mark)[order]
                table[kind, t] = average_precision(hit[hit >= 0], count)
        return table

    def mean(values):
        return float(numpy.nanmean(values)) if not numpy.all(numpy.isnan(values)) else float("nan")

    everything, small = mean_over(numpy.inf), mean_over(SMALL)
    return {"map": mean(everything), "map50": mean(everything[:, 0]), "small_map": mean(small),
            "small_map50": mean(small[:, 0]), "per_class50": everything[:, 0].tolist()}

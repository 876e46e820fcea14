#!/usr/bin/python3
"""Trains the house detector and writes model.onnx beside this file; what it prints of it, card.json wants as sha256.

    saccade scene --dataset train --count 12000 --seed 1
    saccade scene --dataset val --count 300 --seed 2
    ./recipe.py --train train --val val

Needs Debian's python3-torch, python3-onnx, python3-numpy and python3-pil; two CPU cores with
bfloat16 take some 50 minutes, without it twice that. The state is kept in --state every few minutes: the same command goes on
where an interrupted one stopped.
"""
import argparse
import hashlib
import json
import math
import os
import signal
import sys
import time

import numpy
import torch
from PIL import Image
from torch.nn import functional

import network
from muon import Muon
from network import CLASSES, HEIGHT, WIDTH, Detector, boxes_of, cells, flatten

HERE = os.path.dirname(os.path.abspath(__file__))


def load(folder):
    """N x H x W x 3 bytes, and a list of M x 5 floats: class, x1, y1, x2, y2."""
    try:
        with open(os.path.join(folder, "annotations.json")) as file:
            truth = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"{folder}: not a dataset of `saccade scene`: {error}")
    if not isinstance(truth, dict) or not truth.get("images"):
        sys.exit(f"{folder}: not a dataset of `saccade scene`: annotations.json names no pictures")
    images = numpy.empty((len(truth["images"]), HEIGHT, WIDTH, 3), numpy.uint8)
    row = {}
    for i, entry in enumerate(truth["images"]):
        try:
            with Image.open(os.path.join(folder, entry["file_name"])) as image:
                if image.size != (WIDTH, HEIGHT):
                    sys.exit(f"{entry['file_name']}: {image.size[0]} x {image.size[1]} instead of {WIDTH} x {HEIGHT}")
                images[i] = numpy.asarray(image.convert("RGB"))
        except OSError as error:
            sys.exit(f"{entry['file_name']}: not a picture that can be read: {error}")
        row[entry["id"]] = i
    boxes = [[] for _ in truth["images"]]
    for a in truth["annotations"]:
        x, y, w, h = a["bbox"]
        if not a["ignore"]:
            boxes[row[a["image_id"]]].append((a["category_id"] - 1, x, y, x + w, y + h))
    return images, [torch.tensor(b, dtype=torch.float32).reshape(-1, 5) for b in boxes]


def batch_of(images, boxes, rows, generator=None):
    """Pictures as N x 3 x H x W from 0 to 1 and boxes as N x M x 5, -1 where there is none. With a generator they are
    mirrored and their light, contrast, colour and noise varied."""
    x = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float().div_(255)
    most = max(1, max(len(boxes[i]) for i in rows))
    truth = torch.full((len(rows), most, 5), -1.0)
    for i, source in enumerate(rows):
        truth[i, :len(boxes[source])] = boxes[source]
    if generator is None:
        return x.contiguous(memory_format=torch.channels_last), truth

    def uniform(low, high, *shape):
        return torch.rand(len(rows), *shape, generator=generator) * (high - low) + low

    mirrored = uniform(0, 1) < 0.5
    x[mirrored] = x[mirrored].flip(3)
    left = truth[mirrored, :, 1].clone()
    truth[mirrored, :, 1] = WIDTH - truth[mirrored, :, 3]
    truth[mirrored, :, 3] = WIDTH - left
    truth[truth[..., 0] < 0] = -1
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * uniform(0.7, 1.3, 1, 1, 1) + mean * uniform(0.7, 1.3, 3, 1, 1)
    x = x + torch.randn(x.shape, generator=generator) * uniform(0, 0.03, 1, 1, 1)
    return x.clamp_(0, 1).contiguous(memory_format=torch.channels_last), truth


def overlap(a, b):
    """Intersection over union of boxes broadcast against each other."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inside = (high - low).clamp(min=0).prod(-1)
    area = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1) + (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return inside / (area - inside + 1e-9)


def complete_overlap(a, b):
    """CIoU (Zheng et al. 2020, arXiv:1911.08287): overlap, less the distance of the centres and of the shapes."""
    iou = overlap(a, b)
    size = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    apart = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2).pow(2).sum(-1) / (size.pow(2).sum(-1) + 1e-9)
    angle = [torch.atan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1]).clamp(min=1e-6)) for x in (a, b)]
    shape = 4 / math.pi ** 2 * (angle[0] - angle[1]).pow(2)
    with torch.no_grad():
        weight = shape / (1 - iou + shape + 1e-9)
    return iou - apart - weight * shape


def assign(scores, boxes, truth, centres, strides, candidates=10):
    """Task-aligned assignment (Feng et al. 2021, arXiv:2108.07755): for each object the cells near it whose score and
    overlap are best together. Gives the object of each cell (-1: none) and its target score: N x A."""
    real = truth[..., 0] >= 0                                                       # N x M
    kind = truth[..., 0].clamp(min=0).long()
    box = truth[..., 1:]
    # A cell is a candidate if its centre lies in the box; at least one stride round its middle, for small ones.
    middle = (box[..., :2] + box[..., 2:]) / 2
    half = torch.maximum((box[..., 2:] - box[..., :2]).div(2)[:, :, None], strides)
    near = ((centres - middle[:, :, None]).abs() < half).all(-1) & real[..., None]   # N x M x A
    iou = overlap(box[:, :, None], boxes[:, None]) * near
    score = scores.transpose(1, 2).gather(1, kind[..., None].expand(-1, -1, scores.shape[1]))
    metric = score.sqrt() * iou.pow(6) * near
    best = metric.topk(candidates, -1)
    chosen = torch.zeros_like(metric, dtype=torch.bool).scatter_(-1, best.indices, best.values > 1e-12)
    # A cell that several objects want goes to the one it overlaps most.
    contested = chosen.sum(1, keepdim=True) > 1
    winner = functional.one_hot(iou.argmax(1), truth.shape[1]).transpose(1, 2).bool()
    chosen = torch.where(contested, winner & chosen, chosen)
    metric, iou = metric * chosen, iou * chosen
    scale = iou.amax(-1, keepdim=True) / (metric.amax(-1, keepdim=True) + 1e-12)
    target = (metric * scale).amax(1)
    return torch.where(chosen.any(1), chosen.float().argmax(1), -1), target


def loss_of(outputs, truth, centres, strides):
    flat = flatten(outputs)
    boxes, logits = boxes_of(flat[..., :4], centres, strides), flat[..., 4:]
    with torch.no_grad():
        owner, quality = assign(logits.sigmoid(), boxes, truth, centres, strides)
        index = owner.clamp(min=0)
        kind = truth[..., 0].gather(1, index).clamp(min=0).long()
        wanted = functional.one_hot(kind, len(CLASSES)) * (quality * (owner >= 0))[..., None]
        goal = truth[..., 1:].gather(1, index[..., None].expand(-1, -1, 4))
        total = wanted.sum().clamp(min=1)
    class_loss = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / total
    taken = owner >= 0
    box_loss = ((1 - complete_overlap(boxes[taken], goal[taken])) * quality[taken]).sum() / total
    return class_loss + 2.5 * box_loss, class_loss.item(), box_loss.item()


def detections(model, images, threshold=0.01, nms_iou=0.6, most=100):
    """For each picture M x 6: class, score, x1, y1, x2, y2, best first; greedy suppression within a class."""
    centres, strides = cells()
    found = []
    for first in range(0, len(images), 32):
        x, _ = batch_of(images, [torch.zeros(0, 5)] * len(images), list(range(first, min(first + 32, len(images)))))
        flat = flatten(model(x))
        boxes, scores = boxes_of(flat[..., :4], centres, strides), flat[..., 4:].sigmoid()
        for box, score in zip(boxes, scores):
            score, kind = score.max(-1)
            order = score.argsort(descending=True)
            order = order[score[order] >= threshold][:300]
            box, score, kind = box[order], score[order], kind[order]
            over = (overlap(box[:, None], box[None]) * (kind[:, None] == kind[None]) > nms_iou).numpy()
            keep, gone = [], numpy.zeros(len(order), bool)
            for i in range(len(order)):
                if not gone[i] and len(keep) < most:
                    keep.append(i)
                    gone |= over[i]
            found.append(torch.cat((kind[keep, None].float(), score[keep, None], box[keep]), 1))
    return found


def evaluate(model, images, boxes):
    """mAP at 0.5, and its mean from 0.5 to 0.95, of the score that score.py reports."""
    sys.path.insert(0, os.path.dirname(HERE))
    import mean_ap
    model.eval()
    with torch.no_grad():
        found = detections(model, images)
    return mean_ap.evaluate([b.numpy() for b in boxes], [f.numpy() for f in found], len(CLASSES))


def export(model, path):
    """ONNX with weights in half precision, which a Cast widens again: half the size, and no other rounding."""
    import onnx
    from onnx import helper, numpy_helper
    model.eval()
    names = [f"level{stride}" for stride in network.STRIDES]
    torch.onnx.export(model, torch.zeros(1, 3, HEIGHT, WIDTH), path, opset_version=13, input_names=["image"],
                      output_names=names)
    graph = onnx.load(path)
    casts = []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != numpy.float32 or values.size < 64:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(numpy.float16), name + ".f16"))
        casts.append(helper.make_node("Cast", [name + ".f16"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(casts):
        graph.graph.node.insert(0, node)
    onnx.checker.check_model(graph)
    onnx.save(graph, path + ".part")
    os.replace(path + ".part", path)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    print(f"{path}: {os.path.getsize(path)} bytes, sha256 {digest}")


def has_bfloat16():
    """Whether this CPU multiplies bfloat16: convolutions then take half the time."""
    try:
        with open("/proc/cpuinfo") as file:
            text = file.read()
    except OSError:
        return False
    return "avx512_bf16" in text or "amx_bf16" in text


class Training:
    """The model, its average over the steps, which is what is kept, and how far they are."""

    def __init__(self, steps, batch, rate):
        self.steps, self.batch = steps, batch
        self.step, self.seconds = 0, 0.0
        self.model = Detector().to(memory_format=torch.channels_last)
        self.average = Detector()
        self.average.load_state_dict(self.model.state_dict())
        self.precision = torch.bfloat16 if has_bfloat16() else torch.float32
        outputs = {id(p) for head in (self.model.fine_head, self.model.head)
                   for p in (head.box.weight, head.classes.weight)}
        hidden = [p for p in self.model.parameters() if p.ndim > 1 and id(p) not in outputs]
        self.others = [p for p in self.model.parameters() if p.ndim <= 1 or id(p) in outputs]
        self.optimizers = [(Muon(hidden, rate, kind=self.precision), rate),
                           (torch.optim.AdamW(self.others, weight_decay=0), rate / 50)]
        self.centres, self.strides = cells()

    def save(self, path):
        torch.save({"steps": self.steps, "batch": self.batch, "step": self.step, "seconds": self.seconds,
                    "model": self.model.state_dict(), "average": self.average.state_dict(),
                    "optimizers": [optimizer.state_dict() for optimizer, _ in self.optimizers]}, path + ".part")
        os.replace(path + ".part", path)

    def load(self, path):
        try:
            state = torch.load(path)
            run = f"{state['steps']} steps of {state['batch']}"
        except Exception as error:  # torch has a dozen kinds for a damaged file
            sys.exit(f"{path}: not a state of this recipe ({error}); remove it to begin anew")
        if run != f"{self.steps} steps of {self.batch}":
            sys.exit(f"{path}: of a run of {run}; remove it to begin anew")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for (optimizer, _), kept in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)
        self.step, self.seconds = state["step"], state["seconds"]

    def advance(self, images, boxes):
        """One step; its pictures follow from its number alone, so that an interrupted run goes on as it would have.
        Gives the losses of classes and boxes."""
        begin = time.process_time()
        epoch, place = divmod(self.step * self.batch, len(images))
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        rows = order[place:place + self.batch].tolist()
        x, truth = batch_of(images, boxes, rows, torch.Generator().manual_seed(self.step))

        part = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        for optimizer, rate in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * part * min(1.0, (self.step + 1) / 200)
        self.model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == torch.bfloat16):
            levels = self.model(x)
        loss, class_loss, box_loss = loss_of([level.float() for level in levels], truth, self.centres, self.strides)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.others, 10.0)
        for optimizer, _ in self.optimizers:
            optimizer.step()
        self.step += 1
        keep = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.model.state_dict().values()):
                if mean.dtype.is_floating_point:
                    mean.mul_(keep).add_(now, alpha=1 - keep)
                else:
                    mean.copy_(now)
        self.seconds += time.process_time() - begin
        return class_loss, box_loss


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, metavar="DIR")
    parser.add_argument("--val", required=True, metavar="DIR")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.1, help="of the convolutions, by Muon; the rest: a fiftieth")
    parser.add_argument("--look", type=int, default=1000, metavar="STEPS", help="between two scores of --val")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--state", default="toybox.pt", help="kept while training (default: toybox.pt)")
    parser.add_argument("--out", default=os.path.join(HERE, "model.onnx"))
    given = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(given.threads)
    images, boxes = load(given.train)
    val_images, val_boxes = load(given.val)
    print(f"{len(images)} pictures, {sum(map(len, boxes))} objects; {len(val_images)} pictures to look at meanwhile")
    training = Training(given.steps, given.batch, given.rate)
    if os.path.exists(given.state):
        training.load(given.state)
        print(f"going on at step {training.step}", flush=True)

    interrupted = []  # told between two steps, where the state is whole
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.append(True))
    losses, last_save = [], time.time()
    while training.step < given.steps:
        losses.append(training.advance(images, boxes))
        step, last = training.step, training.step == given.steps
        if step % max(1, given.steps // 180) == 0 or last:
            class_loss, box_loss = (sum(part) / len(losses) for part in zip(*losses))
            print(f"step {step}/{given.steps}  class {class_loss:.3f}  box {box_loss:.3f}  "
                  f"{training.seconds / 60:.1f} min of CPU time", flush=True)
            losses = []
        if step % given.look == 0 or last:
            result = evaluate(training.average, val_images, val_boxes)
            print(f"step {step}: mAP50 {result['map50']:.4f}  mAP50-95 {result['map']:.4f}", flush=True)
        if time.time() - last_save > 120 or last or interrupted:
            training.save(given.state)
            last_save = time.time()
        if interrupted:
            sys.exit(f"interrupted; the same command goes on at step {step} ({given.state})")
    export(training.average, given.out)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Draws house.png, the project's own picture: python3 recipe.py [house.png]

Only the standard library is needed. Every shape is a signed distance in pixels, so that its edge is smooth; shapes are
painted from back to front. The same pixels come out everywhere.
"""
import math
import struct
import sys
import zlib

WIDTH, HEIGHT = 640, 480
pixels = [[(0.0, 0.0, 0.0)] * WIDTH for _ in range(HEIGHT)]


def mix(a, b, t):
    return tuple(x + (y - x) * t for x, y in zip(a, b))


def hexcolor(text):
    return tuple(int(text[i:i + 2], 16) / 255 for i in (0, 2, 4))


def paint(box, distance, color, shade=None, alpha=1.0, soft=1.0):
    """Paints where distance(x, y) < 0 inside the box (x1, y1, x2, y2). `shade` is the color at the bottom of the box."""
    reach = 2 + int(soft / 2)
    x1, y1 = int(math.floor(box[0])) - reach, int(math.floor(box[1])) - reach
    x2, y2 = int(math.ceil(box[2])) + reach, int(math.ceil(box[3])) + reach
    top, bottom = hexcolor(color), hexcolor(shade or color)
    for y in range(max(y1, 0), min(y2, HEIGHT)):
        row = pixels[y]
        tint = mix(top, bottom, min(max((y - box[1]) / max(box[3] - box[1], 1), 0), 1))
        for x in range(max(x1, 0), min(x2, WIDTH)):
            cover = min(max(0.5 - distance(x + 0.5, y + 0.5) / soft, 0), 1) * alpha
            if cover > 0:
                row[x] = mix(row[x], tint, cover)


def circle(cx, cy, r, color, shade=None, **more):
    paint((cx - r, cy - r, cx + r, cy + r), lambda x, y: math.hypot(x - cx, y - cy) - r, color, shade, **more)


def ring(cx, cy, r, width, color, **more):
    paint((cx - r - width, cy - r - width, cx + r + width, cy + r + width),
          lambda x, y: abs(math.hypot(x - cx, y - cy) - r) - width / 2, color, **more)


def ellipse(cx, cy, rx, ry, color, shade=None, **more):
    def distance(x, y):
        u, v = (x - cx) / rx, (y - cy) / ry
        k = math.hypot(u, v)
        slope = math.hypot(u / rx, v / ry)
        return (k - 1) * k / slope if slope > 1e-9 else -min(rx, ry)
    paint((cx - rx, cy - ry, cx + rx, cy + ry), distance, color, shade, **more)


def box(x1, y1, x2, y2, color, shade=None, radius=0.0, **more):
    mx, my, hx, hy = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2 - radius, (y2 - y1) / 2 - radius

    def distance(x, y):
        qx, qy = abs(x - mx) - hx, abs(y - my) - hy
        return math.hypot(max(qx, 0), max(qy, 0)) + min(max(qx, qy), 0) - radius
    paint((x1, y1, x2, y2), distance, color, shade, **more)


def line(x1, y1, x2, y2, width, color, shade=None, **more):
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy

    def distance(x, y):
        t = min(max(((x - x1) * dx + (y - y1) * dy) / length, 0), 1)
        return math.hypot(x - x1 - t * dx, y - y1 - t * dy) - width / 2
    r = width / 2
    paint((min(x1, x2) - r, min(y1, y2) - r, max(x1, x2) + r, max(y1, y2) + r), distance, color, shade, **more)


def polygon(points, color, shade=None, **more):
    """Any simple polygon (https://iquilezles.org/articles/distfunctions2d describes the distance)."""
    def distance(x, y):
        best, inside = 1e18, False
        for (ax, ay), (bx, by) in zip(points, points[-1:] + points[:-1]):
            ex, ey, wx, wy = bx - ax, by - ay, x - ax, y - ay
            t = min(max((wx * ex + wy * ey) / (ex * ex + ey * ey), 0), 1)
            best = min(best, (wx - t * ex) ** 2 + (wy - t * ey) ** 2)
            if (ay > y) != (by > y) and x < ax + (y - ay) * ex / ey:
                inside = not inside
        return -math.sqrt(best) if inside else math.sqrt(best)
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    paint((min(xs), min(ys), max(xs), max(ys)), distance, color, shade, **more)


def landscape():
    box(0, 0, WIDTH, 300, "5fa8e6", "d8ecf7")
    circle(520, 78, 60, "fff3c4", alpha=0.55, soft=90)
    circle(520, 78, 34, "fff4cf", "ffe08a")
    for cx, cy, s in ((120, 70, 1.0), (330, 48, 0.75), (250, 110, 0.5)):
        for dx, dy, r in ((-42, 8, 20), (-16, -6, 27), (18, -2, 24), (44, 9, 17)):
            circle(cx + dx * s, cy + dy * s, r * s, "ffffff", "e8f1f8", alpha=0.93, soft=3)
        box(cx - 58 * s, cy + 8 * s, cx + 58 * s, cy + 28 * s, "f3f8fb", radius=10 * s, soft=3)
    for cx, cy, rx, ry, a, b in ((90, 300, 230, 92, "7fb08a", "5f9a6d"), (420, 310, 280, 110, "72a87d", "4f8c5d"),
                                 (640, 300, 190, 70, "86b592", "639c70")):
        ellipse(cx, cy, rx, ry, a, b)
    box(0, 268, WIDTH, 372, "86bf62", "5f9c45")
    for i in range(170):  # blades of grass, placed by a fixed rule
        x, y = (i * 97.3) % WIDTH, 276 + (i * 53.9) % 88
        line(x, y, x + 2 - (i % 3) * 2, y - 4 - i % 4, 1.2, "4f8a3b" if i % 2 else "9acd72", alpha=0.6)
    box(0, 372, WIDTH, 392, "c9c3b6", "aaa497")
    for x in range(0, WIDTH, 40):
        line(x, 373, x - 8, 391, 1, "8f897d", alpha=0.7)
    box(0, 392, WIDTH, HEIGHT, "6a6d74", "4b4e55")
    for x in range(10, WIDTH, 110):
        polygon([(x, 434), (x + 62, 434), (x + 58, 441), (x - 4, 441)], "f2edd8")


def house():
    ellipse(180, 336, 150, 12, "2f5a2a", alpha=0.4, soft=8)
    box(70, 190, 290, 334, "f2dfc0", "dcc197")
    for y in range(200, 334, 11):
        line(70, y, 290, y, 1, "b89c70", alpha=0.45)
    box(232, 100, 262, 150, "a4584a", "8b463a")
    box(228, 96, 266, 104, "7d3c31")
    polygon([(48, 196), (180, 112), (312, 196)], "b7523f", "93402f")
    for i in range(1, 7):
        y = 112 + i * 12
        line(180 - i * 18.8, y, 180 + i * 18.8, y, 1.4, "74301f", alpha=0.5)
    for x in (92, 222):
        box(x, 218, x + 46, 268, "fbf7ee", radius=2)
        box(x + 4, 222, x + 42, 264, "8ecae8", "4d8fb5")
        line(x + 23, 222, x + 23, 264, 3, "fbf7ee")
        line(x + 4, 243, x + 42, 243, 3, "fbf7ee")
        line(x + 9, 236, x + 19, 225, 3, "ffffff", alpha=0.5)
        box(x - 4, 268, x + 50, 274, "8a5a3b", radius=2)
        for k in range(5):
            circle(x + 4 + k * 9.5, 266, 4, "e2495b" if k % 2 else "f2b134")
    box(158, 246, 204, 334, "fbf7ee", radius=3)
    box(162, 250, 200, 334, "2f6f73", "1f4f55")
    box(168, 258, 194, 286, "3c8488", radius=2)
    box(168, 294, 194, 326, "3c8488", radius=2)
    circle(194, 292, 2.6, "f1c75b")
    box(150, 332, 212, 340, "a9a39a", "8d877d", radius=2)


def tree(x, y, s):
    ellipse(x, y + 4, 70 * s, 10 * s, "2f5a2a", alpha=0.4, soft=8)
    polygon([(x - 11 * s, y), (x - 6 * s, y - 90 * s), (x + 6 * s, y - 90 * s), (x + 12 * s, y)], "8a623f", "6a4629")
    line(x, y - 60 * s, x + 30 * s, y - 100 * s, 6 * s, "7a5434")
    line(x, y - 70 * s, x - 28 * s, y - 104 * s, 5 * s, "7a5434")
    leaves = ((-40, -108, 34), (38, -112, 36), (0, -96, 38), (-22, -140, 36), (24, -146, 34), (0, -168, 28), (0, -126, 42))
    for dx, dy, r in leaves:
        circle(x + dx * s, y + dy * s, r * s, "4f9a48", "2f6b31")
    for i in range(46):
        a, d = i * 2.399963, 62 * math.sqrt(i / 46)
        circle(x + d * math.cos(a) * s, y - 128 * s + d * 0.8 * math.sin(a) * s, (5 + i % 4) * s,
               "7cc465" if i % 3 else "3d8039", alpha=0.55)


def car(x, y):
    ellipse(x + 92, y + 62, 104, 9, "1e2024", alpha=0.55, soft=8)
    polygon([(x + 36, y + 22), (x + 62, y - 10), (x + 122, y - 10), (x + 150, y + 22)], "d9364a", "b3263b")
    polygon([(x + 46, y + 21), (x + 66, y - 4), (x + 90, y - 4), (x + 90, y + 21)], "bfe3f2", "6aa7c4")
    polygon([(x + 96, y + 21), (x + 96, y - 4), (x + 118, y - 4), (x + 139, y + 21)], "bfe3f2", "6aa7c4")
    line(x + 54, y + 16, x + 68, y, 4, "ffffff", alpha=0.45)
    box(x, y + 18, x + 186, y + 52, "e2405a", "a8213a", radius=13)
    box(x + 6, y + 24, x + 180, y + 28, "f3899a", radius=2, alpha=0.8)
    line(x + 93, y + 24, x + 93, y + 50, 1.4, "8a1a2e")
    box(x + 74, y + 30, x + 88, y + 33, "8a1a2e", radius=1.5)
    box(x + 120, y + 30, x + 134, y + 33, "8a1a2e", radius=1.5)
    ellipse(x + 181, y + 32, 6, 6, "fff3bf")
    box(x, y + 26, x + 7, y + 36, "ff9a3c", radius=3)
    box(x - 3, y + 43, x + 190, y + 50, "5d6168", radius=3)
    for wheel in (x + 42, x + 145):
        circle(wheel, y + 50, 20, "23252a", "131417")
        circle(wheel, y + 50, 11.5, "d6d9dd", "9a9ea6")
        for k in range(5):
            a = k * 2 * math.pi / 5 - math.pi / 2
            line(wheel, y + 50, wheel + 10 * math.cos(a), y + 50 + 10 * math.sin(a), 2.4, "6d7178")
        circle(wheel, y + 50, 3.4, "4a4d53")


def person(x, y):
    ellipse(x, y + 2, 26, 5, "7a746a", alpha=0.6, soft=5)
    line(x - 5, y - 52, x - 13, y - 4, 12, "34507d", "27406a")
    line(x + 5, y - 52, x + 12, y - 6, 12, "3d5d90", "2d497a")
    box(x - 24, y - 6, x - 5, y + 2, "5a3825", radius=4)
    box(x + 6, y - 7, x + 25, y + 1, "5a3825", radius=4)
    line(x + 13, y - 94, x + 27, y - 62, 9, "e8a33a", "c9842a")
    circle(x + 28, y - 57, 5.5, "e9b58f")
    polygon([(x - 16, y - 102), (x + 16, y - 102), (x + 13, y - 48), (x - 13, y - 48)], "f4b548", "d28d2c")
    circle(x - 11, y - 99, 7, "f4b548")
    circle(x + 11, y - 99, 7, "f4b548")
    line(x - 14, y - 96, x - 32, y - 114, 9, "f4b548", "e09d38")
    line(x - 32, y - 114, x - 31, y - 132, 7, "e9b58f")
    box(x - 4, y - 110, x + 4, y - 98, "d9a27c")
    circle(x, y - 120, 14.5, "f0c09b", "dca480")
    ellipse(x, y - 128, 15.5, 9.5, "5b3620", "482a18")
    circle(x - 5, y - 119, 1.7, "3a2617")
    circle(x + 5, y - 119, 1.7, "3a2617")
    for k in range(7):  # a smile
        a, b = math.radians(30 + k * 17), math.radians(30 + (k + 1) * 17)
        line(x + 6 * math.cos(a), y - 117 + 6 * math.sin(a), x + 6 * math.cos(b), y - 117 + 6 * math.sin(b), 1.6, "a0503f")


def dog(x, y):
    ellipse(x + 2, y + 1, 40, 5, "7a746a", alpha=0.6, soft=5)
    for leg, tone in ((-20, "8a5a30"), (22, "8a5a30"), (-27, "a97141"), (15, "a97141")):
        line(x + leg, y - 22, x + leg - 1, y - 3, 8, tone)
    line(x + 27, y - 36, x + 44, y - 54, 6, "a97141")
    ellipse(x, y - 31, 33, 14.5, "c0844d", "96622f")
    ellipse(x - 4, y - 23, 20, 6, "e6c79d", alpha=0.8)
    line(x - 24, y - 36, x - 34, y - 52, 16, "b87c46")
    circle(x - 38, y - 57, 13.5, "c68b54", "a56f3b")
    ellipse(x - 51, y - 53, 9.5, 6.5, "d9ab78", "b98753")
    circle(x - 58.5, y - 55, 3.2, "2a1c12")
    circle(x - 41, y - 60, 2, "21160d")
    ellipse(x - 29, y - 57, 6, 12, "8a5a30", "744722")
    ring(x - 28, y - 43, 8, 3, "d1394f")


def bicycle(x, y):
    ellipse(x + 46, y + 27, 80, 5, "7a746a", alpha=0.55, soft=5)
    for wheel in (x, x + 92):
        for k in range(12):
            a = k * math.pi / 12
            line(wheel - 23 * math.cos(a), y - 23 * math.sin(a), wheel + 23 * math.cos(a), y + 23 * math.sin(a), 0.9,
                 "b9bec6", alpha=0.8)
        ring(wheel, y, 24.5, 4.4, "26282d")
        ring(wheel, y, 21.5, 1.4, "c8ccd3")
        circle(wheel, y, 3, "5d6168")
    frame = ((x, y, x + 26, y - 42), (x, y, x + 40, y), (x + 40, y, x + 24, y - 48), (x + 40, y, x + 78, y - 40),
             (x + 27, y - 40, x + 77, y - 42), (x + 92, y, x + 74, y - 54))
    for part in frame:
        line(*part, 4.6, "2c7fb8", "1c5c8a")
    line(x + 74, y - 54, x + 62, y - 60, 4, "33363c")
    line(x + 62, y - 60, x + 58, y - 56, 4, "33363c")
    box(x + 13, y - 54, x + 36, y - 48, "33363c", radius=3)
    circle(x + 40, y, 7, "8d929b")
    line(x + 40, y, x + 47, y + 11, 3, "5d6168")
    box(x + 43, y + 9, x + 53, y + 13, "33363c", radius=1.5)


def ball(x, y, r):
    ellipse(x, y + r, r * 1.1, 4, "3a3d42", alpha=0.6, soft=4)
    circle(x, y, r, "fbfbfb", "d5d8dc")
    for k in range(5):
        a = k * 2 * math.pi / 5 - math.pi / 2
        circle(x + 0.72 * r * math.cos(a), y + 0.72 * r * math.sin(a), r * 0.2, "2b2e34")
    circle(x, y, r * 0.26, "2b2e34")
    ring(x, y, r - 0.6, 1.2, "8f949b")


def write_png(path):
    rows = bytearray()
    for row in pixels:
        rows.append(1)  # the difference to the pixel on the left: packs better
        left = (0, 0, 0)
        for color in row:
            now = tuple(min(max(int(v * 255 + 0.5), 0), 255) for v in color)
            rows += bytes((n - l) & 255 for n, l in zip(now, left))
            left = now

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) +
                  chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))


landscape()
house()
tree(392, 338, 1.0)
tree(22, 330, 0.7)
bicycle(446, 352)
person(330, 388)
dog(238, 392)
car(392, 386)
ball(150, 424, 16)
write_png(sys.argv[1] if len(sys.argv) > 1 else "house.png")

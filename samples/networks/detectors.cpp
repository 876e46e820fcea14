#include "samples/networks/families.h"

namespace sac::networks {
namespace {

/// Even and odd channels of x, spelled as FastestDet's channel shuffle is exported.
std::pair<Tensor, Tensor> even_odd(Builder &b, const Tensor &x) {
    const int64_t half = x.channels() / 2, height = x.shape[2], width = x.shape[3];
    const Tensor turned = b.transpose(b.reshape(x, {half, 2, height * width}), {1, 0, 2});
    const Tensor halves = b.reshape(turned, {2, 1, half, height, width});
    const Tensor even = b.gather(halves, 0, 0);
    return {even, b.gather(halves, 1, 0)};
}

}  // namespace

/// FastestDet (github.com/dog-qiuqiu/FastestDet): ShuffleNetV2 backbone, one fused scale, decoupled head.
void fastestdet(Builder &b) {
    Tensor x = b.conv(b.image(), {.to = 24, .kernel = 3, .stride = 2, .act = Act::relu});
    x = b.max_pool(x, 3, 2, 1);
    const int repeats[] = {4, 8, 4};
    std::vector<Tensor> scales;
    for (int stage = 0; stage < 3; ++stage) {
        const int64_t half = int64_t{24} << stage;
        const auto point = [&](const Tensor &v) { return b.conv(v, {.to = half, .act = Act::relu}); };
        const Tensor skip = point(b.depthwise(x, 3, 2));
        x = b.concat({skip, point(b.depthwise(point(x), 3, 2))});
        for (int i = 1; i < repeats[stage]; ++i) {
            const auto [even, odd] = even_odd(b, x);
            x = b.concat({even, point(b.depthwise(point(odd), 3, 1))});
        }
        scales.push_back(x);
    }
    const auto wide = [&](const Tensor &v) { return b.depthwise(v, 5, 1, Act::relu); };
    const Tensor up = b.resize(scales[2], 2, false), down = b.average_pool(scales[0], 3, 2, 1);
    x = b.conv(b.concat({down, scales[1], up}), {.to = 96, .act = Act::relu});
    const Tensor once = wide(x), twice = wide(wide(x)), thrice = wide(wide(wide(x)));
    const Tensor pyramid = b.conv(b.concat({once, twice, thrice}), {.to = 96});
    x = b.conv(b.activate(Act::relu, b.add(x, pyramid)), {.to = 96, .act = Act::relu});
    const Tensor object = b.conv(wide(x), {.to = 1, .act = Act::sigmoid});
    const Tensor box = b.conv(wide(x), {.to = 4});
    const Tensor scores = b.transpose(b.conv(wide(x), {.to = 80}), {0, 3, 2, 1});
    const Tensor classes = b.transpose(b.softmax(scores, 3), {0, 3, 2, 1});
    b.output("output", b.concat({object, box, classes}));
}

/// YOLOv4-tiny (Bochkovskiy et al. 2020) without the decoding of its boxes: 3 anchors of 85 numbers a cell.
void yolov4_tiny(Builder &b) {
    const auto conv = [&](const Tensor &x, int64_t to, int64_t kernel, int64_t stride = 1) {
        return b.conv(x, {.to = to, .kernel = kernel, .stride = stride, .act = Act::leaky_relu, .norm = true});
    };
    Tensor x = conv(conv(b.image(), 32, 3, 2), 64, 3, 2), last;
    for (const int64_t width : {64, 128, 256}) {
        const Tensor whole = conv(x, width, 3);
        const Tensor first = conv(b.split(whole, {width / 2, width / 2})[1], width / 2, 3);
        last = conv(b.concat({conv(first, width / 2, 3), first}), width, 1);
        x = b.max_pool(b.concat({whole, last}), 2, 2, 0);
    }
    x = conv(conv(x, 512, 3), 256, 1);
    b.output("coarse", b.conv(conv(x, 512, 3), {.to = 255}));
    const Tensor up = b.resize(conv(x, 128, 1), 2, false);
    b.output("fine", b.conv(conv(b.concat({up, last}), 256, 3), {.to = 255}));
}

/// NanoDet-m (github.com/RangiLyu/nanodet): ShuffleNetV2, a path aggregation by sums, one head a stride.
void nanodet_m(Builder &b) {
    constexpr Act act = Act::leaky_relu;
    const Tensor stem = b.conv(b.image(), {.to = 24, .kernel = 3, .stride = 2, .act = act});
    std::vector<Tensor> levels = shufflenet_v2_stages(b, b.max_pool(stem, 3, 2, 1), act);
    for (Tensor &level : levels) level = b.conv(level, {.to = 96});
    for (const size_t i : {1, 0}) levels[i] = b.add(levels[i], b.resize(levels[i + 1], 2, true));
    for (const size_t i : {1, 2}) levels[i] = b.add(levels[i], b.resize(levels[i - 1], 0.5f, true));
    for (size_t i = 0; i < 3; ++i) {
        Tensor x = levels[i];
        for (int k = 0; k < 2; ++k) x = b.conv(b.depthwise(x, 3, 1, act), {.to = 96, .act = act});
        const int64_t cells = x.shape[2] * x.shape[3];
        const std::vector<Tensor> parts = b.split(b.conv(x, {.to = 112}), {80, 32});
        const auto rows = [&](const Tensor &v) {
            return b.transpose(b.reshape(v, {1, v.channels(), cells}), {0, 2, 1});
        };
        const std::string stride = std::to_string(8 << i);
        b.output("classes_" + stride, rows(b.activate(Act::sigmoid, parts[0])));
        b.output("distances_" + stride, rows(parts[1]));
    }
}

}  // namespace sac::networks

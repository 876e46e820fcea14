#include <algorithm>

#include "samples/networks/families.h"

namespace sac::networks {
namespace {

void classify(Builder &b, const Tensor &x) { b.output("output", b.gemm(b.flatten(x), 1000)); }

struct InvertedResidual {
    int64_t kernel, hidden, to, stride;
    Act act;
    int64_t squeezed = 0;  ///< channels inside squeeze-excite, 0: none
};

}  // namespace

/// SqueezeNet 1.1 (Iandola et al. 2016); the last convolution is padded as in the authors' files.
void squeezenet(Builder &b) {
    const auto fire = [&](const Tensor &x, int64_t squeezed, int64_t expanded) {
        const Tensor s = b.conv(x, {.to = squeezed, .act = Act::relu});
        const Tensor point = b.conv(s, {.to = expanded, .act = Act::relu});
        return b.concat({point, b.conv(s, {.to = expanded, .kernel = 3, .act = Act::relu})});
    };
    const auto pool = [&](const Tensor &x) { return b.max_pool(x, 3, 2, 0, true); };
    Tensor x = b.conv(b.image(), {.to = 64, .kernel = 3, .stride = 2, .act = Act::relu, .padding = 0});
    x = fire(fire(pool(x), 16, 64), 16, 64);
    x = fire(fire(pool(x), 32, 128), 32, 128);
    x = fire(fire(fire(fire(pool(x), 48, 192), 48, 192), 64, 256), 64, 256);
    x = b.conv(x, {.to = 1000, .act = Act::relu, .padding = 1});
    b.output("output", b.flatten(b.global_average(x)));
}

/// MobileNetV2 (Sandler et al. 2018), width 1; the first block expands by 1 with a convolution, as in the Caffe files
/// that benchmarks use.
void mobilenet_v2(Builder &b) {
    const struct {
        int64_t expand, to, repeat, stride;
    } stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    Tensor x = b.conv(b.image(), {.to = 32, .kernel = 3, .stride = 2, .act = Act::relu6, .norm = true});
    for (const auto &stage : stages) {
        for (int64_t i = 0; i < stage.repeat; ++i) {
            const int64_t stride = i == 0 ? stage.stride : 1;
            Tensor y = b.conv(x, {.to = x.channels() * stage.expand, .act = Act::relu6, .norm = true});
            y = b.depthwise(y, 3, stride, Act::relu6, true);
            y = b.conv(y, {.to = stage.to, .norm = true});
            x = stride == 1 && x.channels() == stage.to ? b.add(x, y) : y;
        }
    }
    x = b.conv(x, {.to = 1280, .act = Act::relu6, .norm = true});
    classify(b, b.global_average(x));
}

/// MobileNetV3 large (Howard et al. 2019), squeeze-excite before the depthwise convolution's activation.
void mobilenet_v3(Builder &b) {
    constexpr Act re = Act::relu, hs = Act::hard_swish;
    constexpr InvertedResidual blocks[] = {
        {3, 16, 16, 1, re},        {3, 64, 24, 2, re},        {3, 72, 24, 1, re},        {5, 72, 40, 2, re, 18},
        {5, 120, 40, 1, re, 30},   {5, 120, 40, 1, re, 30},   {3, 240, 80, 2, hs},       {3, 200, 80, 1, hs},
        {3, 184, 80, 1, hs},       {3, 184, 80, 1, hs},       {3, 480, 112, 1, hs, 120}, {3, 672, 112, 1, hs, 168},
        {5, 672, 160, 1, hs, 168}, {5, 672, 160, 2, hs, 168}, {5, 960, 160, 1, hs, 240}};
    Tensor x = b.conv(b.image(), {.to = 16, .kernel = 3, .stride = 2, .act = hs});
    for (const InvertedResidual &block : blocks) {
        Tensor y = block.hidden == x.channels() ? x : b.conv(x, {.to = block.hidden, .act = block.act});
        y = b.depthwise(y, block.kernel, block.stride);
        if (block.squeezed) y = b.squeeze_excite(y, block.squeezed, re, Act::hard_sigmoid);
        y = b.conv(b.activate(block.act, y), {.to = block.to});
        x = block.stride == 1 && x.channels() == block.to ? b.add(x, y) : y;
    }
    x = b.conv(x, {.to = 960, .act = hs});
    x = b.gemm(b.flatten(b.global_average(x)), 1280);
    classify(b, b.activate(hs, x));
}

/// EfficientNet-B0 (Tan and Le 2019).
void efficientnet_b0(Builder &b) {
    const struct {
        int64_t expand, to, repeat, stride, kernel;
    } stages[] = {{1, 16, 1, 1, 3},  {6, 24, 2, 2, 3},  {6, 40, 2, 2, 5}, {6, 80, 3, 2, 3},
                  {6, 112, 3, 1, 5}, {6, 192, 4, 2, 5}, {6, 320, 1, 1, 3}};
    Tensor x = b.conv(b.image(), {.to = 32, .kernel = 3, .stride = 2, .act = Act::silu});
    for (const auto &stage : stages) {
        for (int64_t i = 0; i < stage.repeat; ++i) {
            const int64_t stride = i == 0 ? stage.stride : 1, from = x.channels();
            Tensor y = x;
            if (stage.expand > 1) y = b.conv(y, {.to = from * stage.expand, .act = Act::silu});
            y = b.depthwise(y, stage.kernel, stride, Act::silu);
            y = b.squeeze_excite(y, from / 4, Act::silu, Act::sigmoid);
            y = b.conv(y, {.to = stage.to});
            x = stride == 1 && from == stage.to ? b.add(y, x) : y;
        }
    }
    x = b.conv(x, {.to = 1280, .act = Act::silu});
    classify(b, b.global_average(x));
}

Tensor channel_shuffle(Builder &b, const Tensor &x) {
    const int64_t half = x.channels() / 2, height = x.shape[2], width = x.shape[3];
    const Tensor grouped = b.reshape(x, {1, 2, half, height, width});
    return b.reshape(b.transpose(grouped, {0, 2, 1, 3, 4}), x.shape);
}

std::vector<Tensor> shufflenet_v2_stages(Builder &b, Tensor x, Act act) {
    std::vector<Tensor> outputs;
    const int repeats[] = {4, 8, 4};
    for (int stage = 0; stage < 3; ++stage) {
        const int64_t half = int64_t{58} << stage;
        const Tensor skip = b.conv(b.depthwise(x, 3, 2), {.to = half, .act = act});
        const Tensor main = b.depthwise(b.conv(x, {.to = half, .act = act}), 3, 2);
        x = channel_shuffle(b, b.concat({skip, b.conv(main, {.to = half, .act = act})}));
        for (int i = 1; i < repeats[stage]; ++i) {
            const std::vector<Tensor> halves = b.split(x, {half, half});
            const Tensor y = b.depthwise(b.conv(halves[1], {.to = half, .act = act}), 3, 1);
            x = channel_shuffle(b, b.concat({halves[0], b.conv(y, {.to = half, .act = act})}));
        }
        outputs.push_back(x);
    }
    return outputs;
}

/// ShuffleNetV2 (Ma et al. 2018), width 1.
void shufflenet_v2(Builder &b) {
    Tensor x = b.conv(b.image(), {.to = 24, .kernel = 3, .stride = 2, .act = Act::relu});
    x = shufflenet_v2_stages(b, b.max_pool(x, 3, 2, 1), Act::relu).back();
    x = b.conv(x, {.to = 1024, .act = Act::relu});
    classify(b, b.global_average(x));
}

/// ResNet-18 (He et al. 2015), with a projection at the head of every stage.
void resnet18(Builder &b) {
    Tensor x = b.conv(b.image(), {.to = 64, .kernel = 7, .stride = 2, .act = Act::relu, .norm = true});
    x = b.max_pool(x, 3, 2, 1);
    for (const int64_t to : {64, 128, 256, 512}) {
        for (int i = 0; i < 2; ++i) {
            const int64_t stride = i == 0 && to > 64 ? 2 : 1;
            const Tensor skip = i == 0 ? b.conv(x, {.to = to, .stride = stride, .norm = true}) : x;
            const Tensor y = b.conv(x, {.to = to, .kernel = 3, .stride = stride, .act = Act::relu, .norm = true});
            x = b.activate(Act::relu, b.add(b.conv(y, {.to = to, .kernel = 3, .norm = true}), skip));
        }
    }
    classify(b, b.global_average(x));
}

/// ResNet-50 as first published (He et al. 2015): the first convolution of a stage strides, not the 3x3 behind it.
void resnet50(Builder &b) {
    Tensor x = b.conv(b.image(), {.to = 64, .kernel = 7, .stride = 2, .act = Act::relu});
    x = b.max_pool(x, 3, 2, 1);
    const int repeats[] = {3, 4, 6, 3};
    for (int stage = 0; stage < 4; ++stage) {
        const int64_t width = int64_t{64} << stage;
        for (int i = 0; i < repeats[stage]; ++i) {
            const int64_t stride = i == 0 && stage > 0 ? 2 : 1;
            const Tensor skip = i == 0 ? b.conv(x, {.to = 4 * width, .stride = stride}) : x;
            Tensor y = b.conv(x, {.to = width, .stride = stride, .act = Act::relu});
            y = b.conv(y, {.to = width, .kernel = 3, .act = Act::relu});
            x = b.activate(Act::relu, b.add(b.conv(y, {.to = 4 * width}), skip));
        }
    }
    classify(b, b.global_average(x));
}

/// VGG-16 (Simonyan and Zisserman 2014).
void vgg16(Builder &b) {
    Tensor x = b.image();
    for (int stage = 0; stage < 5; ++stage) {
        const int64_t to = std::min<int64_t>(64 << stage, 512);
        for (int i = 0; i < (stage < 2 ? 2 : 3); ++i) x = b.conv(x, {.to = to, .kernel = 3, .act = Act::relu});
        x = b.max_pool(x, 2, 2, 0);
    }
    x = b.activate(Act::relu, b.gemm(b.flatten(x), 4096));
    classify(b, b.activate(Act::relu, b.gemm(x, 4096)));
}

}  // namespace sac::networks

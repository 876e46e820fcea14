#include "samples/networks/networks.h"

#include <cmath>

#include "compute/onnx/model_writer.h"

namespace sac {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    float uniform(float low, float high) {
        state_ += 0x9e3779b97f4a7c15ull;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        z ^= z >> 31;
        return low + (high - low) * static_cast<float>(z >> 40) * 0x1p-24f;
    }

private:
    uint64_t state_;
};

struct Conv {
    int from, to, kernel = 1, stride = 1, groups = 1;
    const char *activation = nullptr;  ///< ONNX operator, or null
    int padding = -1;                  ///< -1: half the kernel
    bool norm = false;                 ///< followed by BatchNormalization
};

/// Appends layers; every method takes and returns names of values.
class Builder {
public:
    Builder(uint64_t seed, int64_t opset) : model(opset), random_(seed) {}

    std::string conv(const std::string &x, const Conv &c) {
        const int fan_in = c.from / c.groups * c.kernel * c.kernel;
        const float bound = std::sqrt((c.activation ? 6.0f : 3.0f) / static_cast<float>(fan_in));  // He et al. 2015
        const std::string w = floats({c.to, c.from / c.groups, c.kernel, c.kernel}, -bound, bound);
        std::vector<std::string> inputs = {x, w};
        if (!c.norm) inputs.push_back(floats({c.to}, -0.1f, 0.1f));
        const int64_t pad = c.padding < 0 ? c.kernel / 2 : c.padding;
        using Ints = std::vector<int64_t>;
        std::string y = node("Conv", inputs,
                             {{"kernel_shape", Ints{c.kernel, c.kernel}},
                              {"strides", Ints{c.stride, c.stride}},
                              {"pads", Ints{pad, pad, pad, pad}},
                              {"dilations", Ints{1, 1}},
                              {"group", int64_t{c.groups}}});
        if (c.norm) {
            const std::string gamma = floats({c.to}, 0.8f, 1.2f), beta = floats({c.to}, -0.1f, 0.1f);
            const std::string mean = floats({c.to}, -0.1f, 0.1f), variance = floats({c.to}, 0.8f, 1.2f);
            y = node("BatchNormalization", {y, gamma, beta, mean, variance}, {{"epsilon", 1e-5f}});
        }
        return c.activation ? activate(c.activation, y) : y;
    }

    std::string activate(const std::string &type, const std::string &x) {
        if (type != "Clip") return node(type, {x});
        if (relu6_low_.empty()) relu6_low_ = floats({}, 0, 0), relu6_high_ = floats({}, 6, 6);
        return node("Clip", {x, relu6_low_, relu6_high_});
    }

    std::string max_pool(const std::string &x, int kernel, int stride, int padding, bool ceil) {
        using Ints = std::vector<int64_t>;
        return node("MaxPool", {x},
                    {{"kernel_shape", Ints{kernel, kernel}},
                     {"strides", Ints{stride, stride}},
                     {"pads", Ints{padding, padding, padding, padding}},
                     {"ceil_mode", int64_t{ceil}}});
    }

    std::string concat(const std::vector<std::string> &parts) { return node("Concat", parts, {{"axis", int64_t{1}}}); }

    std::string linear(const std::string &x, int from, int to) {
        const float bound = std::sqrt(3.0f / static_cast<float>(from));
        const std::string w = floats({to, from}, -bound, bound), b = floats({to}, -0.1f, 0.1f);
        return node("Gemm", {x, w, b}, {{"transB", int64_t{1}}});
    }

    std::string node(const std::string &type, const std::vector<std::string> &inputs,
                     const onnx::ModelWriter::Attributes &attributes = {}) {
        std::string y = type + "_" + std::to_string(count_++);
        model.node(type, inputs, {y}, attributes, y);
        return y;
    }

    std::string ints(const std::vector<int64_t> &values, bool scalar = false) {
        std::string name = "c" + std::to_string(count_++);
        model.int64s(name, scalar ? Shape{} : Shape{static_cast<int64_t>(values.size())}, values);
        return name;
    }

    std::string values(const std::vector<float> &numbers) {
        std::string name = "c" + std::to_string(count_++);
        model.floats(name, {static_cast<int64_t>(numbers.size())}, numbers);
        return name;
    }

    std::string floats(const Shape &shape, float low, float high) {
        std::vector<float> values(static_cast<size_t>(element_count(shape)));
        for (float &v : values) v = random_.uniform(low, high);
        std::string name = "w" + std::to_string(count_++);
        model.floats(name, shape, values);
        return name;
    }

    onnx::ModelWriter model;

private:
    Random random_;
    int count_ = 0;
    std::string relu6_low_, relu6_high_;
};

/// Even and odd channels of x (batch 1), spelled as PyTorch exports ShuffleNet's channel shuffle.
std::pair<std::string, std::string> shuffle(Builder &b, const std::string &x, int channels, int size) {
    const int64_t half = channels / 2, area = int64_t{size} * size;
    const std::string pairs = b.node("Reshape", {x, b.ints({half, 2, area})});
    const std::string turned = b.node("Transpose", {pairs}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
    const std::string split = b.node("Reshape", {turned, b.ints({2, -1, half, size, size})});
    return {b.node("Gather", {split, b.ints({0}, true)}, {{"axis", int64_t{0}}}),
            b.node("Gather", {split, b.ints({1}, true)}, {{"axis", int64_t{0}}})};
}

/// FastestDet (github.com/dog-qiuqiu/FastestDet): ShuffleNetV2 backbone, one fused scale, decoupled head.
std::string fastestdet(Builder &b) {
    std::string x = b.conv("image", {.from = 3, .to = 24, .kernel = 3, .stride = 2, .activation = "Relu"});
    x = b.max_pool(x, 3, 2, 1, false);
    const int repeats[] = {4, 8, 4}, widths[] = {48, 96, 192};
    std::string scales[3];
    int size = 88, channels = 24;
    for (int stage = 0; stage < 3; ++stage) {
        const int out = widths[stage], half = out / 2;
        const auto depthwise = [&](const std::string &v, int width, int stride) {
            return b.conv(v, {.from = width, .to = width, .kernel = 3, .stride = stride, .groups = width});
        };
        const auto point = [&](const std::string &v, int from) {
            return b.conv(v, {.from = from, .to = half, .activation = "Relu"});
        };
        const std::string skip = point(depthwise(x, channels, 2), channels);
        const std::string main = point(depthwise(point(x, channels), half, 2), half);
        x = b.concat({skip, main});
        size /= 2;
        for (int i = 1; i < repeats[stage]; ++i) {
            const auto [even, odd] = shuffle(b, x, out, size);
            x = b.concat({even, point(depthwise(point(odd, half), half, 1), half)});
        }
        scales[stage] = x;
        channels = out;
    }
    const std::string up = b.node("Resize", {scales[2], "", b.values({1, 1, 2, 2})},
                                  {{"mode", std::string("nearest")},
                                   {"coordinate_transformation_mode", std::string("asymmetric")},
                                   {"nearest_mode", std::string("floor")}});
    const std::string down = b.node("AveragePool", {scales[0]},
                                    {{"kernel_shape", std::vector<int64_t>{3, 3}},
                                     {"strides", std::vector<int64_t>{2, 2}},
                                     {"pads", std::vector<int64_t>{1, 1, 1, 1}},
                                     {"count_include_pad", int64_t{1}}});
    const auto wide = [&](const std::string &v) {
        return b.conv(v, {.from = 96, .to = 96, .kernel = 5, .groups = 96, .activation = "Relu"});
    };
    x = b.conv(b.concat({down, scales[1], up}), {.from = 336, .to = 96, .activation = "Relu"});
    const std::string once = wide(x), twice = wide(wide(x)), thrice = wide(wide(wide(x)));
    const std::string pyramid = b.conv(b.concat({once, twice, thrice}), {.from = 288, .to = 96});
    x = b.conv(b.node("Relu", {b.node("Add", {x, pyramid})}), {.from = 96, .to = 96, .activation = "Relu"});
    const std::string object = b.conv(wide(x), {.from = 96, .to = 1, .activation = "Sigmoid"});
    const std::string box = b.conv(wide(x), {.from = 96, .to = 4});
    const std::string scores = b.conv(wide(x), {.from = 96, .to = 80});
    const onnx::ModelWriter::Attributes to_last = {{"perm", std::vector<int64_t>{0, 3, 2, 1}}};
    const std::string last = b.node("Transpose", {scores}, to_last);
    const std::string classes = b.node("Transpose", {b.node("Softmax", {last}, {{"axis", int64_t{3}}})}, to_last);
    return b.concat({object, box, classes});
}

/// SqueezeNet 1.1 (Iandola et al. 2016).
std::string squeezenet(Builder &b) {
    const auto fire = [&](const std::string &x, int from, int squeezed, int expanded) {
        const std::string s = b.conv(x, {.from = from, .to = squeezed, .activation = "Relu"});
        return b.concat({b.conv(s, {.from = squeezed, .to = expanded, .activation = "Relu"}),
                         b.conv(s, {.from = squeezed, .to = expanded, .kernel = 3, .activation = "Relu"})});
    };
    const auto pool = [&](const std::string &x) { return b.max_pool(x, 3, 2, 0, true); };
    std::string x =
        b.conv("image", {.from = 3, .to = 64, .kernel = 3, .stride = 2, .activation = "Relu", .padding = 0});
    x = fire(fire(pool(x), 64, 16, 64), 128, 16, 64);
    x = fire(fire(pool(x), 128, 32, 128), 256, 32, 128);
    x = fire(fire(fire(fire(pool(x), 256, 48, 192), 384, 48, 192), 384, 64, 256), 512, 64, 256);
    x = b.conv(b.node("Dropout", {x}), {.from = 512, .to = 1000, .activation = "Relu"});
    return b.node("Flatten", {b.node("GlobalAveragePool", {x})});
}

/// MobileNetV2 (Sandler et al. 2018), width 1.
std::string mobilenet_v2(Builder &b) {
    const struct {
        int expand, to, repeat, stride;
    } stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    std::string x =
        b.conv("image", {.from = 3, .to = 32, .kernel = 3, .stride = 2, .activation = "Clip", .norm = true});
    int from = 32;
    for (const auto &stage : stages) {
        for (int i = 0; i < stage.repeat; ++i) {
            const int stride = i == 0 ? stage.stride : 1, hidden = from * stage.expand;
            std::string y = x;
            if (stage.expand > 1) y = b.conv(y, {.from = from, .to = hidden, .activation = "Clip", .norm = true});
            y = b.conv(y, {.from = hidden,
                           .to = hidden,
                           .kernel = 3,
                           .stride = stride,
                           .groups = hidden,
                           .activation = "Clip",
                           .norm = true});
            y = b.conv(y, {.from = hidden, .to = stage.to, .norm = true});
            x = stride == 1 && from == stage.to ? b.node("Add", {x, y}) : y;
            from = stage.to;
        }
    }
    x = b.conv(x, {.from = 320, .to = 1280, .activation = "Clip", .norm = true});
    return b.linear(b.node("Flatten", {b.node("GlobalAveragePool", {x})}), 1280, 1000);
}

/// ResNet-18 (He et al. 2015).
std::string resnet18(Builder &b) {
    std::string x =
        b.conv("image", {.from = 3, .to = 64, .kernel = 7, .stride = 2, .activation = "Relu", .norm = true});
    x = b.max_pool(x, 3, 2, 1, false);
    int from = 64;
    for (const int to : {64, 128, 256, 512}) {
        for (int i = 0; i < 2; ++i) {
            const int stride = i == 0 && to > 64 ? 2 : 1;
            const std::string skip =
                from == to ? x : b.conv(x, {.from = from, .to = to, .stride = stride, .padding = 0, .norm = true});
            std::string y =
                b.conv(x, {.from = from, .to = to, .kernel = 3, .stride = stride, .activation = "Relu", .norm = true});
            y = b.conv(y, {.from = to, .to = to, .kernel = 3, .norm = true});
            x = b.node("Relu", {b.node("Add", {y, skip})});
            from = to;
        }
    }
    return b.linear(b.node("Flatten", {b.node("GlobalAveragePool", {x})}), 512, 1000);
}

struct Network {
    const char *name;
    int size;
    std::string (*build)(Builder &);
};

constexpr Network networks[] = {{"fastestdet", 352, fastestdet},
                                {"squeezenet", 227, squeezenet},
                                {"mobilenet_v2", 224, mobilenet_v2},
                                {"resnet18", 224, resnet18}};

const Network *find_network(const std::string &name) {
    for (const Network &network : networks)
        if (name == network.name) return &network;
    return nullptr;
}

}  // namespace

std::span<const char *const> network_names() {
    static constexpr const char *names[] = {networks[0].name, networks[1].name, networks[2].name, networks[3].name};
    static_assert(std::size(names) == std::size(networks));
    return names;
}

int network_input_size(const std::string &name) {
    const Network *network = find_network(name);
    return network ? network->size : 0;
}

static Result<onnx::ModelWriter> build_network(const std::string &name, uint64_t seed) {
    const Network *network = find_network(name);
    if (!network) {
        std::string known;
        for (const char *other : network_names()) known += std::string(known.empty() ? "" : ", ") + other;
        return Error(Code::not_found, "network '" + name + "' is not known; there are " + known);
    }
    Builder builder(seed, 13);
    builder.model.input("image", {1, 3, network->size, network->size});
    builder.model.node("Identity", {network->build(builder)}, {"output"}, {}, "output");
    if (network->build == fastestdet)
        builder.model.output("output", {1, 85, 22, 22});
    else
        builder.model.output("output", {1, 1000});
    return std::move(builder.model);
}

Result<std::string> network_bytes(const std::string &name, uint64_t seed) {
    SAC_ASSIGN(const onnx::ModelWriter model, build_network(name, seed));
    return model.bytes();
}

Status write_network(const std::string &name, uint64_t seed, const std::string &path) {
    SAC_ASSIGN(const onnx::ModelWriter model, build_network(name, seed));
    return model.save(path);
}

}  // namespace sac

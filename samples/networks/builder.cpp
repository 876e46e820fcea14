#include "samples/networks/builder.h"

#include <cmath>

namespace sac::networks {

using Ints = std::vector<int64_t>;

Builder::Builder(std::optional<uint64_t> seed, int64_t opset, int64_t size)
    : model_(opset), opset_(opset), image_{"image", {1, 3, size, size}} {
    if (seed) random_.emplace(*seed);
    model_.input(image_.name, {1, 3, size, size});
}

void Builder::output(const std::string &name, const Tensor &x) {
    model_.node("Identity", {x.name}, {name}, {}, name);
    model_.output(name, {x.shape.begin(), x.shape.end()});
}

Tensor Builder::node(const std::string &type, const std::vector<std::string> &inputs, Shape shape,
                     const Attributes &attributes) {
    Tensor y = {fresh(type), std::move(shape)};
    model_.node(type, inputs, {y.name}, attributes, y.name);
    return y;
}

std::string Builder::constant(HostTensor value) { return node("Constant", {}, {}, {{"value", std::move(value)}}).name; }

std::string Builder::ints(const Ints &values) {
    return constant(HostTensor::from_int64s({static_cast<int64_t>(values.size())}, values));
}

std::string Builder::number(float value) { return constant(HostTensor::from_floats({}, {value})); }

Tensor Builder::weight(const Shape &shape, float low, float high) {
    Tensor w = {fresh("w"), shape};
    if (!random_) return w;
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (float &v : values) v = random_->uniform(low, high);
    model_.constant(w.name, HostTensor::from_floats(shape, std::move(values)));
    return w;
}

Tensor Builder::conv(const Tensor &x, const Conv &c) {
    const int64_t from = x.channels(), fan_in = from / c.groups * c.kernel * c.kernel;
    const float gain = c.act == Act::none ? 3.0f : 6.0f;  // He et al. 2015
    const float bound = std::sqrt(gain / static_cast<float>(fan_in));
    const int64_t pad = c.padding < 0 ? c.kernel / 2 : c.padding;
    const auto extent = [&](int64_t in) { return (in + 2 * pad - c.kernel) / c.stride + 1; };
    const Shape shape = {x.shape[0], c.to, extent(x.shape[2]), extent(x.shape[3])};
    multiply_adds_ += static_cast<double>(element_count(shape) * fan_in);

    std::vector<std::string> inputs = {x.name, weight({c.to, from / c.groups, c.kernel, c.kernel}, -bound, bound).name};
    if (!c.norm) inputs.push_back(weight({c.to}, -0.1f, 0.1f).name);
    Tensor y = node("Conv", inputs, shape,
                    {{"dilations", Ints{1, 1}},
                     {"group", c.groups},
                     {"kernel_shape", Ints{c.kernel, c.kernel}},
                     {"pads", Ints{pad, pad, pad, pad}},
                     {"strides", Ints{c.stride, c.stride}}});
    if (c.norm) {
        const Tensor gamma = weight({c.to}, 0.8f, 1.2f), beta = weight({c.to}, -0.1f, 0.1f);
        const Tensor mean = weight({c.to}, -0.1f, 0.1f), variance = weight({c.to}, 0.8f, 1.2f);
        y = node("BatchNormalization", {y.name, gamma.name, beta.name, mean.name, variance.name}, shape,
                 {{"epsilon", 1e-5f}});
    }
    return activate(c.act, y);
}

Tensor Builder::depthwise(const Tensor &x, int64_t kernel, int64_t stride, Act act, bool norm) {
    return conv(
        x, {.to = x.channels(), .kernel = kernel, .stride = stride, .groups = x.channels(), .act = act, .norm = norm});
}

Tensor Builder::gemm(const Tensor &x, int64_t to) {
    const int64_t from = x.shape[1];
    const float bound = std::sqrt(3.0f / static_cast<float>(from));
    multiply_adds_ += static_cast<double>(x.shape[0] * from * to);
    const Tensor w = weight({to, from}, -bound, bound), b = weight({to}, -0.1f, 0.1f);
    return node("Gemm", {x.name, w.name, b.name}, {x.shape[0], to},
                {{"alpha", 1.0f}, {"beta", 1.0f}, {"transB", int64_t{1}}});
}

Tensor Builder::linear(const Tensor &x, int64_t to) {
    const int64_t from = x.shape.back();
    const float bound = std::sqrt(3.0f / static_cast<float>(from));
    const Tensor w = weight({from, to}, -bound, bound), b = weight({to}, -0.1f, 0.1f);
    const Tensor y = matmul(x, w);
    return node("Add", {b.name, y.name}, y.shape);
}

Tensor Builder::matmul(const Tensor &a, const Tensor &b) {
    Shape shape = a.shape;
    shape.back() = b.shape.back();
    multiply_adds_ += static_cast<double>(element_count(shape) * a.shape.back());
    return node("MatMul", {a.name, b.name}, shape);
}

Tensor Builder::activate(Act act, const Tensor &x) {
    switch (act) {
        case Act::none: return x;
        case Act::relu: return node("Relu", {x.name}, x.shape);
        case Act::relu6: return node("Clip", {x.name, number(0), number(6)}, x.shape);
        case Act::leaky_relu: return node("LeakyRelu", {x.name}, x.shape, {{"alpha", 0.1f}});
        case Act::silu: return node("Mul", {x.name, activate(Act::sigmoid, x).name}, x.shape);
        case Act::sigmoid: return node("Sigmoid", {x.name}, x.shape);
        case Act::hard_sigmoid: return node("HardSigmoid", {x.name}, x.shape, {{"alpha", 1.0f / 6}});
        case Act::hard_swish:
            if (opset_ >= 14) return node("HardSwish", {x.name}, x.shape);
            return node("Mul", {x.name, activate(Act::hard_sigmoid, x).name}, x.shape);
        case Act::gelu: {
            const Tensor half = scalar("Add", node("Erf", {scalar("Div", x, std::sqrt(2.0f)).name}, x.shape), 1);
            return scalar("Mul", node("Mul", {x.name, half.name}, x.shape), 0.5f);
        }
    }
    return x;
}

Tensor Builder::max_pool(const Tensor &x, int64_t kernel, int64_t stride, int64_t padding, bool ceil) {
    const auto extent = [&](int64_t in) { return (in + 2 * padding - kernel + (ceil ? stride - 1 : 0)) / stride + 1; };
    return node("MaxPool", {x.name}, {x.shape[0], x.shape[1], extent(x.shape[2]), extent(x.shape[3])},
                {{"ceil_mode", int64_t{ceil}},
                 {"kernel_shape", Ints{kernel, kernel}},
                 {"pads", Ints{padding, padding, padding, padding}},
                 {"strides", Ints{stride, stride}}});
}

Tensor Builder::average_pool(const Tensor &x, int64_t kernel, int64_t stride, int64_t padding) {
    const auto extent = [&](int64_t in) { return (in + 2 * padding - kernel) / stride + 1; };
    return node("AveragePool", {x.name}, {x.shape[0], x.shape[1], extent(x.shape[2]), extent(x.shape[3])},
                {{"count_include_pad", int64_t{1}},
                 {"kernel_shape", Ints{kernel, kernel}},
                 {"pads", Ints{padding, padding, padding, padding}},
                 {"strides", Ints{stride, stride}}});
}

Tensor Builder::global_average(const Tensor &x) {
    return node("GlobalAveragePool", {x.name}, {x.shape[0], x.shape[1], 1, 1});
}

Tensor Builder::add(const Tensor &a, const Tensor &b) { return node("Add", {a.name, b.name}, a.shape); }

Tensor Builder::concat(const std::vector<Tensor> &parts, int64_t axis) {
    Shape shape = parts[0].shape;
    shape[static_cast<size_t>(axis)] = 0;
    std::vector<std::string> names;
    for (const Tensor &part : parts) {
        shape[static_cast<size_t>(axis)] += part.shape[static_cast<size_t>(axis)];
        names.push_back(part.name);
    }
    return node("Concat", names, shape, {{"axis", axis}});
}

std::vector<Tensor> Builder::split(const Tensor &x, const Ints &sizes, int64_t axis) {
    std::vector<Tensor> parts;
    std::vector<std::string> names;
    for (const int64_t size : sizes) {
        parts.push_back({fresh("Split"), x.shape});
        parts.back().shape[static_cast<size_t>(axis)] = size;
        names.push_back(parts.back().name);
    }
    model_.node("Split", {x.name, ints(sizes)}, names, {{"axis", axis}}, names[0]);
    return parts;
}

Tensor Builder::reshape(const Tensor &x, const Shape &shape) { return node("Reshape", {x.name, ints(shape)}, shape); }

Tensor Builder::transpose(const Tensor &x, const Ints &axes) {
    Shape shape;
    for (const int64_t axis : axes) shape.push_back(x.shape[static_cast<size_t>(axis)]);
    return node("Transpose", {x.name}, shape, {{"perm", axes}});
}

Tensor Builder::flatten(const Tensor &x) {
    return node("Flatten", {x.name}, {x.shape[0], element_count(x.shape) / x.shape[0]}, {{"axis", int64_t{1}}});
}

Tensor Builder::gather(const Tensor &x, int64_t index, int64_t axis) {
    Shape shape = x.shape;
    shape.erase(shape.begin() + axis);
    return node("Gather", {x.name, constant(HostTensor::from_int64s({}, {&index, 1}))}, shape, {{"axis", axis}});
}

Tensor Builder::softmax(const Tensor &x, int64_t axis) { return node("Softmax", {x.name}, x.shape, {{"axis", axis}}); }

Tensor Builder::resize(const Tensor &x, float scale, bool linear) {
    const auto extent = [&](int64_t in) { return static_cast<int64_t>(static_cast<float>(in) * scale); };
    const std::string scales = constant(HostTensor::from_floats({4}, {1, 1, scale, scale}));
    return node("Resize", {x.name, "", scales}, {x.shape[0], x.shape[1], extent(x.shape[2]), extent(x.shape[3])},
                {{"coordinate_transformation_mode", std::string(linear ? "half_pixel" : "asymmetric")},
                 {"cubic_coeff_a", -0.75f},
                 {"mode", std::string(linear ? "linear" : "nearest")},
                 {"nearest_mode", std::string("floor")}});
}

Tensor Builder::layer_norm(const Tensor &x, float epsilon) {
    const int64_t width = x.shape.back();
    const Tensor gamma = weight({width}, 0.8f, 1.2f), beta = weight({width}, -0.1f, 0.1f);
    if (opset_ >= 17) {
        return node("LayerNormalization", {x.name, gamma.name, beta.name}, x.shape,
                    {{"axis", int64_t{-1}}, {"epsilon", epsilon}});
    }
    Shape one = x.shape;
    one.back() = 1;
    const auto mean = [&](const Tensor &of) {
        return node("ReduceMean", {of.name}, one, {{"axes", Ints{-1}}, {"keepdims", int64_t{1}}});
    };
    const Tensor centred = node("Sub", {x.name, mean(x).name}, x.shape);
    const Tensor variance = mean(scalar("Pow", centred, 2));
    const Tensor deviation = node("Sqrt", {scalar("Add", variance, epsilon).name}, one);
    const Tensor normal = node("Div", {centred.name, deviation.name}, x.shape);
    return node("Add", {node("Mul", {normal.name, gamma.name}, x.shape).name, beta.name}, x.shape);
}

Tensor Builder::scalar(const std::string &type, const Tensor &x, float value) {
    return node(type, {x.name, number(value)}, x.shape);
}

Tensor Builder::squeeze_excite(const Tensor &x, int64_t squeezed, Act inner, Act outer) {
    const Tensor s = conv(global_average(x), {.to = squeezed, .act = inner});
    return node("Mul", {conv(s, {.to = x.channels(), .act = outer}).name, x.name}, x.shape);
}

}  // namespace sac::networks

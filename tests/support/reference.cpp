#include "tests/support/reference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

namespace sac::test {
namespace {

using Tensor = ReferenceTensor;
using Ints = std::vector<int64_t>;
using Inputs = std::vector<const Tensor *>;

Tensor make(Shape shape) {
    Tensor t{std::move(shape), {}};
    t.data.assign(static_cast<size_t>(element_count(t.shape)), 0.0);
    return t;
}

Ints ints_of(const Tensor &t) { return Ints(t.data.begin(), t.data.end()); }

size_t axis_of(int64_t axis, size_t rank) {
    return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

/// Advances a multi-index in row-major order; false after the last.
bool advance(Ints &index, const Shape &shape) {
    for (size_t d = shape.size(); d-- > 0;) {
        if (++index[d] < shape[d]) return true;
        index[d] = 0;
    }
    return false;
}

Ints strides_of(const Shape &shape) {
    Ints strides(shape.size(), 1);
    for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
    return strides;
}

/// out[index] = f(index) for every index of `shape`.
Tensor fill(Shape shape, const std::function<double(const Ints &)> &f) {
    Tensor out = make(std::move(shape));
    Ints index(out.shape.size(), 0);
    size_t at = 0;
    if (!out.data.empty()) do
            out.data[at++] = f(index);
        while (advance(index, out.shape));
    return out;
}

double at(const Tensor &t, const Ints &index) {
    const Ints strides = strides_of(t.shape);
    int64_t offset = 0;
    for (size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
    return t.data[static_cast<size_t>(offset)];
}

struct Window {
    Ints kernel, strides, pads, dilations;
};

Window window_of(const Node &node, Ints kernel) {
    return {std::move(kernel), node.ints_or("strides", {1, 1}), node.ints_or("pads", {0, 0, 0, 0}),
            node.ints_or("dilations", {1, 1})};
}

int64_t window_count(const Window &w, int64_t size, size_t axis, bool ceil) {
    const int64_t covered = size + w.pads[axis] + w.pads[axis + 2] - (w.dilations[axis] * (w.kernel[axis] - 1) + 1);
    int64_t count = (ceil ? (covered + w.strides[axis] - 1) / w.strides[axis] : covered / w.strides[axis]) + 1;
    if (ceil && (count - 1) * w.strides[axis] >= size + w.pads[axis]) --count;  // no window starts in the far padding
    return count;
}

Tensor conv(const Node &node, const Inputs &in) {
    const Tensor &x = *in[0], &w = *in[1];
    const int64_t groups = node.int_or("group", 1);
    const Window win = window_of(node, {w.shape[2], w.shape[3]});
    const int64_t height = x.shape[2], width = x.shape[3], per_group = w.shape[1], out_per_group = w.shape[0] / groups;
    Tensor y = make({x.shape[0], w.shape[0], window_count(win, height, 0, false), window_count(win, width, 1, false)});
    size_t at_y = 0;
    for (int64_t n = 0; n < y.shape[0]; ++n)
        for (int64_t o = 0; o < y.shape[1]; ++o)
            for (int64_t oy = 0; oy < y.shape[2]; ++oy)
                for (int64_t ox = 0; ox < y.shape[3]; ++ox) {
                    double sum = in.size() > 2 && in[2] ? in[2]->data[static_cast<size_t>(o)] : 0.0;
                    for (int64_t c = 0; c < per_group; ++c) {
                        const int64_t channel = o / out_per_group * per_group + c;
                        for (int64_t ky = 0; ky < win.kernel[0]; ++ky) {
                            const int64_t iy = oy * win.strides[0] - win.pads[0] + ky * win.dilations[0];
                            if (iy < 0 || iy >= height) continue;
                            const double *row =
                                &x.data[static_cast<size_t>(((n * x.shape[1] + channel) * height + iy) * width)];
                            const double *taps = &w.data[static_cast<size_t>(
                                ((o * per_group + c) * win.kernel[0] + ky) * win.kernel[1])];
                            for (int64_t kx = 0; kx < win.kernel[1]; ++kx) {
                                const int64_t ix = ox * win.strides[1] - win.pads[1] + kx * win.dilations[1];
                                if (ix >= 0 && ix < width) sum += row[ix] * taps[kx];
                            }
                        }
                    }
                    y.data[at_y++] = sum;
                }
    return y;
}

Tensor pool(const Node &node, const Inputs &in, bool average) {
    const Tensor &x = *in[0];
    const Window win = window_of(node, node.ints_or("kernel_shape", {}));
    const bool ceil = node.int_or("ceil_mode", 0) != 0, include_pad = node.int_or("count_include_pad", 0) != 0;
    const Shape shape = {x.shape[0], x.shape[1], window_count(win, x.shape[2], 0, ceil),
                         window_count(win, x.shape[3], 1, ceil)};
    return fill(shape, [&](const Ints &i) {
        double sum = 0, largest = -std::numeric_limits<double>::infinity();
        int64_t count = 0;
        for (int64_t ky = 0; ky < win.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < win.kernel[1]; ++kx) {
                const int64_t iy = i[2] * win.strides[0] - win.pads[0] + ky * win.dilations[0];
                const int64_t ix = i[3] * win.strides[1] - win.pads[1] + kx * win.dilations[1];
                const bool inside = iy >= 0 && iy < x.shape[2] && ix >= 0 && ix < x.shape[3];
                // Padding counts, but not what a rounded-up window covers beyond it.
                if (!inside && include_pad && iy < x.shape[2] + win.pads[2] && ix < x.shape[3] + win.pads[3]) ++count;
                if (!inside) continue;
                const double v = at(x, {i[0], i[1], iy, ix});
                sum += v, largest = std::max(largest, v), ++count;
            }
        return average ? sum / static_cast<double>(count) : largest;
    });
}

Tensor gemm(const Node &node, const Inputs &in) {
    const Tensor &a = *in[0], &b = *in[1];
    const bool ta = node.int_or("transA", 0) != 0, tb = node.int_or("transB", 0) != 0;
    const int64_t k_count = ta ? a.shape[0] : a.shape[1];
    const double alpha = static_cast<double>(node.float_or("alpha", 1)),
                 beta = static_cast<double>(node.float_or("beta", 1));
    return fill({ta ? a.shape[1] : a.shape[0], tb ? b.shape[0] : b.shape[1]}, [&](const Ints &i) {
        double sum = 0;
        for (int64_t k = 0; k < k_count; ++k)
            sum += at(a, ta ? Ints{k, i[0]} : Ints{i[0], k}) * at(b, tb ? Ints{i[1], k} : Ints{k, i[1]});
        const double c =
            in.size() > 2 && in[2] ? in[2]->data[in[2]->data.size() == 1 ? 0 : static_cast<size_t>(i[1])] : 0.0;
        return alpha * sum + beta * c;
    });
}

Tensor batch_norm(const Node &node, const Inputs &in) {
    const double epsilon = static_cast<double>(node.float_or("epsilon", 1e-5f));
    return fill(in[0]->shape, [&](const Ints &i) {
        const size_t c = static_cast<size_t>(i[1]);
        return in[1]->data[c] * (at(*in[0], i) - in[3]->data[c]) / std::sqrt(in[4]->data[c] + epsilon) + in[2]->data[c];
    });
}

Tensor map(const Tensor &x, const std::function<double(double)> &f) {
    Tensor y = x;
    for (double &v : y.data) v = f(v);
    return y;
}

/// f(a, b) with the sizes of 1 stretched (https://onnx.ai/onnx/repo-docs/Broadcasting.html).
Tensor binary(const Inputs &in, double (*f)(double, double)) {
    const Tensor &a = *in[0], &b = *in[1];
    const size_t rank = std::max(a.shape.size(), b.shape.size());
    Shape shape(rank, 1);
    Ints steps[2] = {Ints(rank, 0), Ints(rank, 0)};
    for (int side = 0; side < 2; ++side) {
        const Shape &own = side ? b.shape : a.shape;
        const Ints strides = strides_of(own);
        for (size_t d = 0, at = rank - own.size(); d < own.size(); ++d, ++at) {
            if (own[d] == 1) continue;
            shape[at] = own[d];
            steps[side][at] = strides[d];
        }
    }
    Tensor y = make(shape);
    Ints index(rank, 0);
    for (double &v : y.data) {
        int64_t at_a = 0, at_b = 0;
        for (size_t d = 0; d < rank; ++d) at_a += index[d] * steps[0][d], at_b += index[d] * steps[1][d];
        v = f(a.data[static_cast<size_t>(at_a)], b.data[static_cast<size_t>(at_b)]);
        advance(index, shape);
    }
    return y;
}

/// [..., m, k] by [..., k, n], or by one [k, n].
Tensor matmul(const Inputs &in) {
    const Tensor &a = *in[0], &b = *in[1];
    const size_t m = static_cast<size_t>(a.shape[a.shape.size() - 2]), k = static_cast<size_t>(a.shape.back());
    const size_t n = static_cast<size_t>(b.shape.back()), batches = a.data.size() / (m * k);
    Shape shape = a.shape;
    shape.back() = b.shape.back();
    Tensor y = make(shape);
    for (size_t batch = 0; batch < batches; ++batch) {
        const double *right = &b.data[b.data.size() == k * n ? 0 : batch * k * n];
        for (size_t row = batch * m; row < (batch + 1) * m; ++row)
            for (size_t i = 0; i < k; ++i)
                for (size_t j = 0; j < n; ++j) y.data[row * n + j] += a.data[row * k + i] * right[i * n + j];
    }
    return y;
}

Tensor layer_norm(const Node &node, const Inputs &in) {
    Tensor y = *in[0];
    const double epsilon = static_cast<double>(node.float_or("epsilon", 1e-5f));
    const size_t size = static_cast<size_t>(y.shape.back());
    for (size_t row = 0; row < y.data.size(); row += size) {
        double *v = &y.data[row], mean = 0, variance = 0;
        for (size_t i = 0; i < size; ++i) mean += v[i] / static_cast<double>(size);
        for (size_t i = 0; i < size; ++i) variance += (v[i] - mean) * (v[i] - mean) / static_cast<double>(size);
        for (size_t i = 0; i < size; ++i)
            v[i] = (v[i] - mean) / std::sqrt(variance + epsilon) * in[1]->data[i] + in[2]->data[i];
    }
    return y;
}

std::vector<Tensor> split(const Node &node, const Inputs &in) {
    const size_t axis = axis_of(node.int_or("axis", 0), in[0]->shape.size());
    std::vector<Tensor> parts;
    int64_t begin = 0;
    for (const int64_t size : ints_of(*in[1])) {
        Shape shape = in[0]->shape;
        shape[axis] = size;
        parts.push_back(fill(shape, [&](Ints i) {
            i[axis] += begin;
            return at(*in[0], i);
        }));
        begin += size;
    }
    return parts;
}

Tensor concat(const Node &node, const Inputs &in) {
    const size_t axis = axis_of(node.int_or("axis", 0), in[0]->shape.size());
    Shape shape = in[0]->shape;
    shape[axis] = 0;
    for (const Tensor *part : in) shape[axis] += part->shape[axis];
    return fill(shape, [&](const Ints &i) {
        Ints own = i;
        for (const Tensor *part : in) {
            if (own[axis] < part->shape[axis]) return at(*part, own);
            own[axis] -= part->shape[axis];
        }
        return 0.0;
    });
}

Tensor reshape(const Inputs &in) {
    Shape shape = ints_of(*in[1]);
    int64_t known = 1, open = -1;
    for (size_t d = 0; d < shape.size(); ++d) {
        if (shape[d] == 0) shape[d] = in[0]->shape[d];
        if (shape[d] < 0)
            open = static_cast<int64_t>(d);
        else
            known *= shape[d];
    }
    if (open >= 0) shape[static_cast<size_t>(open)] = static_cast<int64_t>(in[0]->data.size()) / known;
    return {shape, in[0]->data};
}

Tensor flatten(const Node &node, const Inputs &in) {
    const size_t axis = axis_of(node.int_or("axis", 1), in[0]->shape.size());
    int64_t rows = 1;
    for (size_t d = 0; d < axis; ++d) rows *= in[0]->shape[d];
    return {{rows, static_cast<int64_t>(in[0]->data.size()) / rows}, in[0]->data};
}

Tensor transpose(const Node &node, const Inputs &in) {
    const Ints perm = node.ints_or("perm", {});
    Shape shape;
    for (const int64_t p : perm) shape.push_back(in[0]->shape[static_cast<size_t>(p)]);
    return fill(shape, [&](const Ints &i) {
        Ints own(i.size());
        for (size_t d = 0; d < perm.size(); ++d) own[static_cast<size_t>(perm[d])] = i[d];
        return at(*in[0], own);
    });
}

Tensor gather(const Node &node, const Inputs &in) {
    const Tensor &x = *in[0], &indices = *in[1];
    const size_t axis = axis_of(node.int_or("axis", 0), x.shape.size());
    Shape shape(x.shape.begin(), x.shape.begin() + static_cast<long>(axis));
    shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
    shape.insert(shape.end(), x.shape.begin() + static_cast<long>(axis) + 1, x.shape.end());
    return fill(shape, [&](const Ints &i) {
        Ints own(i.begin(), i.begin() + static_cast<long>(axis));
        const Ints which(i.begin() + static_cast<long>(axis),
                         i.begin() + static_cast<long>(axis + indices.shape.size()));
        const int64_t k = static_cast<int64_t>(at(indices, which));
        own.push_back(k < 0 ? k + x.shape[axis] : k);
        own.insert(own.end(), i.begin() + static_cast<long>(axis + indices.shape.size()), i.end());
        return at(x, own);
    });
}

Tensor softmax_last(const Inputs &in) {
    Tensor y = *in[0];
    const size_t size = static_cast<size_t>(y.shape.back());
    for (size_t row = 0; row < y.data.size(); row += size) {
        double *v = &y.data[row], sum = 0;
        const double largest = *std::max_element(v, v + size);
        for (size_t i = 0; i < size; ++i) sum += v[i] = std::exp(v[i] - largest);
        for (size_t i = 0; i < size; ++i) v[i] /= sum;
    }
    return y;
}

Tensor mean_over(const Tensor &x, const Ints &axes, bool keep) {
    Shape kept = x.shape, out;
    for (const int64_t a : axes) kept[axis_of(a, x.shape.size())] = 1;
    Tensor sum = make(kept);
    const Ints strides = strides_of(kept);
    Ints index(x.shape.size(), 0);
    size_t from = 0;
    do {
        int64_t to = 0;
        for (size_t d = 0; d < index.size(); ++d) to += kept[d] == 1 ? 0 : index[d] * strides[d];
        sum.data[static_cast<size_t>(to)] += x.data[from++];
    } while (advance(index, x.shape));
    for (double &v : sum.data) v *= static_cast<double>(sum.data.size()) / static_cast<double>(x.data.size());
    for (size_t d = 0; d < kept.size(); ++d)
        if (keep || std::none_of(axes.begin(), axes.end(), [&](int64_t a) { return axis_of(a, kept.size()) == d; }))
            out.push_back(kept[d]);
    return {out, sum.data};
}

Tensor pad_zero(const Inputs &in) {
    const Ints pads = ints_of(*in[1]);
    const size_t rank = in[0]->shape.size();
    Shape shape = in[0]->shape;
    for (size_t d = 0; d < rank; ++d) shape[d] += pads[d] + pads[d + rank];
    return fill(shape, [&](const Ints &i) {
        Ints own = i;
        for (size_t d = 0; d < rank; ++d)
            if (own[d] -= pads[d]; own[d] < 0 || own[d] >= in[0]->shape[d]) return 0.0;
        return at(*in[0], own);
    });
}

/// Bilinear over the last two axes, half_pixel; beyond the edge its pixels go on.
Tensor resize_linear(const Inputs &in) {
    const Tensor &x = *in[0];
    Shape shape;
    for (size_t d = 0; d < x.shape.size(); ++d)
        shape.push_back(static_cast<int64_t>(std::floor(static_cast<double>(x.shape[d]) * in[2]->data[d])));
    return fill(shape, [&](const Ints &i) {
        int64_t low[2], high[2];
        double part[2];
        for (size_t d = 0; d < 2; ++d) {
            const double where = (static_cast<double>(i[d + 2]) + 0.5) / in[2]->data[d + 2] - 0.5;
            const int64_t last = x.shape[d + 2] - 1;
            low[d] = std::clamp<int64_t>(static_cast<int64_t>(std::floor(where)), 0, last);
            high[d] = std::clamp<int64_t>(static_cast<int64_t>(std::floor(where)) + 1, 0, last);
            part[d] = where - std::floor(where);
        }
        const auto row = [&](int64_t y) {
            return at(x, {i[0], i[1], y, low[1]}) * (1 - part[1]) + at(x, {i[0], i[1], y, high[1]}) * part[1];
        };
        return row(low[0]) * (1 - part[0]) + row(high[0]) * part[0];
    });
}

/// Nearest, asymmetric, floor: what the networks here use.
Tensor resize_nearest(const Inputs &in) {
    Shape shape;
    for (size_t d = 0; d < in[0]->shape.size(); ++d)
        shape.push_back(static_cast<int64_t>(std::floor(static_cast<double>(in[0]->shape[d]) * in[2]->data[d])));
    return fill(shape, [&](const Ints &i) {
        Ints own = i;
        for (size_t d = 0; d < own.size(); ++d)
            own[d] = static_cast<int64_t>(std::floor(static_cast<double>(i[d]) / in[2]->data[d]));
        return at(*in[0], own);
    });
}

Result<Tensor> evaluate(const Node &node, const Inputs &in) {
    const std::string &type = node.type;
    if (type == "Conv") return conv(node, in);
    if (type == "BatchNormalization") return batch_norm(node, in);
    if (type == "Relu") return map(*in[0], [](double v) { return v > 0 ? v : 0; });
    if (type == "Sigmoid") return map(*in[0], [](double v) { return 1 / (1 + std::exp(-v)); });
    if (type == "Clip")
        return map(*in[0], [&](double v) { return std::min(std::max(v, in[1]->data[0]), in[2]->data[0]); });
    if (type == "Identity" || type == "Dropout") return *in[0];
    if (type == "MaxPool") return pool(node, in, false);
    if (type == "AveragePool") return pool(node, in, true);
    if (type == "GlobalAveragePool") return mean_over(*in[0], {2, 3}, true);
    if (type == "ReduceMean") return mean_over(*in[0], node.ints_or("axes", {}), node.int_or("keepdims", 1) != 0);
    if (type == "Gemm") return gemm(node, in);
    if (type == "Add") return binary(in, [](double a, double b) { return a + b; });
    if (type == "Sub") return binary(in, [](double a, double b) { return a - b; });
    if (type == "Mul") return binary(in, [](double a, double b) { return a * b; });
    if (type == "Div") return binary(in, [](double a, double b) { return a / b; });
    if (type == "Pow") return binary(in, [](double a, double b) { return std::pow(a, b); });
    if (type == "MatMul") return matmul(in);
    if (type == "LayerNormalization") return layer_norm(node, in);
    if (type == "Sqrt") return map(*in[0], [](double v) { return std::sqrt(v); });
    if (type == "Erf") return map(*in[0], [](double v) { return std::erf(v); });
    if (type == "HardSwish") return map(*in[0], [](double v) { return v * std::clamp(v / 6 + 0.5, 0.0, 1.0); });
    if (type == "HardSigmoid") {
        const double alpha = static_cast<double>(node.float_or("alpha", 0.2f));
        const double beta = static_cast<double>(node.float_or("beta", 0.5f));
        return map(*in[0], [&](double v) { return std::clamp(alpha * v + beta, 0.0, 1.0); });
    }
    if (type == "LeakyRelu") {
        const double alpha = static_cast<double>(node.float_or("alpha", 0.01f));
        return map(*in[0], [&](double v) { return v > 0 ? v : alpha * v; });
    }
    if (type == "Concat") return concat(node, in);
    if (type == "Reshape") return reshape(in);
    if (type == "Flatten") return flatten(node, in);
    if (type == "Transpose") return transpose(node, in);
    if (type == "Gather") return gather(node, in);
    if (type == "Pad" && node.string_or("mode", "constant") == "constant") return pad_zero(in);
    if (type == "Softmax" && axis_of(node.int_or("axis", -1), in[0]->shape.size()) + 1 == in[0]->shape.size())
        return softmax_last(in);
    if (type == "Resize" && node.string_or("mode", "nearest") == "nearest" &&
        node.string_or("nearest_mode", "") == "floor" &&
        node.string_or("coordinate_transformation_mode", "") == "asymmetric")
        return resize_nearest(in);
    if (type == "Resize" && node.string_or("mode", "nearest") == "linear" &&
        node.string_or("coordinate_transformation_mode", "half_pixel") == "half_pixel")
        return resize_linear(in);
    return Error(Code::unsupported, "the reference has no " + node.describe());
}

Tensor from_host(const HostTensor &constant) {
    Tensor t{constant.shape, {}};
    if (is_float(constant.dtype)) {
        const std::vector<float> floats = constant.to_floats();
        t.data.assign(floats.begin(), floats.end());
    } else {
        const std::vector<int64_t> ints = constant.to_int64s();
        t.data.assign(ints.begin(), ints.end());
    }
    return t;
}

}  // namespace

Result<ReferenceTensors> evaluate_reference(const Graph &graph, const ReferenceTensors &inputs) {
    std::vector<Tensor> values(graph.values.size());
    for (size_t v = 0; v < values.size(); ++v)
        if (graph.values[v].constant) values[v] = from_host(*graph.values[v].constant);
    for (const ValueId id : graph.inputs) {
        const auto found = inputs.find(graph.values[id].name);
        if (found == inputs.end()) return Error(Code::invalid_argument, "no value for input " + graph.values[id].name);
        values[id] = found->second;
    }
    for (const Node &node : graph.nodes) {
        Inputs in;
        for (const ValueId id : node.inputs) in.push_back(id == no_value ? nullptr : &values[id]);
        if (node.type == "Constant") {
            values[node.outputs[0]] = from_host(std::get<HostTensor>(*node.find("value")));
        } else if (node.type == "Split") {
            std::vector<Tensor> parts = split(node, in);
            for (size_t i = 0; i < parts.size(); ++i) values[node.outputs[i]] = std::move(parts[i]);
        } else {
            SAC_ASSIGN(values[node.outputs[0]], evaluate(node, in));
        }
    }
    ReferenceTensors outputs;
    for (const ValueId id : graph.outputs) outputs[graph.values[id].name] = values[id];
    return outputs;
}

}  // namespace sac::test

// Operators that exist on the host alone: constants, shape arithmetic, types. They are folded before anything is
// planned.

#include <algorithm>
#include <cmath>

#include "compute/graph/operator.h"
#include "compute/ops/host_math.h"

namespace sac::ops {

namespace {

using Tensors = Result<std::vector<HostTensor>>;
using Inputs = std::span<const HostTensor *const>;

Result<HostTensor> constant_value(const Node &node) {
    for (const auto &[key, value] : node.attributes) {
        if (const auto *tensor = std::get_if<HostTensor>(&value)) return *tensor;
        if (const auto *number = std::get_if<float>(&value)) return HostTensor::from_floats({}, {*number});
        if (const auto *number = std::get_if<int64_t>(&value)) return HostTensor::from_int64s({}, {number, 1});
        if (const auto *list = std::get_if<std::vector<float>>(&value))
            return HostTensor::from_floats({static_cast<int64_t>(list->size())}, *list);
        if (const auto *list = std::get_if<std::vector<int64_t>>(&value))
            return HostTensor::from_int64s({static_cast<int64_t>(list->size())}, *list);
    }
    return Error(Code::unsupported, node.describe() + ": has no value of a number type");
}

Status infer_constant(InferContext &context) {
    SAC_ASSIGN(const HostTensor value, constant_value(context.node()));
    context.set_output(0, value.dtype, value.shape);
    return {};
}

Tensors evaluate_constant(const Node &node, Inputs) {
    SAC_ASSIGN(HostTensor value, constant_value(node));
    return std::vector<HostTensor>{std::move(value)};
}

/// The value a ConstantOfShape repeats: one element, f32 zero by default.
HostTensor fill_value(const Node &node) {
    const Attribute *value = node.find("value");
    const auto *tensor = value ? std::get_if<HostTensor>(value) : nullptr;
    const float zero = 0;
    return tensor && element_count(tensor->shape) == 1 ? *tensor : HostTensor::from_floats({1}, {zero});
}

Status infer_constant_of_shape(InferContext &context) {
    SAC_ASSIGN(const auto sizes, context.int_values(0));
    context.set_output(0, fill_value(context.node()).dtype, sizes);
    return {};
}

Tensors evaluate_constant_of_shape(const Node &node, Inputs inputs) {
    SAC_ASSIGN(HostTensor filled, host::expand(host::reshape(fill_value(node), {}), inputs[0]->to_int64s()));
    return std::vector<HostTensor>{std::move(filled)};
}

/// Shape needs its input's shape alone, so its value is known even when the input's is not (see set_constant).
Status infer_shape(InferContext &context) {
    const Shape &shape = context.shape(0);
    const auto rank = static_cast<int64_t>(shape.size());
    const auto clamped = [&](int64_t at) { return std::min(std::max<int64_t>(at < 0 ? at + rank : at, 0), rank); };
    const int64_t start = clamped(context.node().int_or("start", 0)), end = clamped(context.node().int_or("end", rank));
    const Shape part(shape.begin() + start, shape.begin() + std::max(start, end));
    context.set_constant(0, HostTensor::from_int64s({static_cast<int64_t>(part.size())}, part));
    return {};
}

Status infer_size(InferContext &context) {
    const int64_t count = element_count(context.shape(0));
    context.set_constant(0, HostTensor::from_int64s({}, {&count, 1}));
    return {};
}

Status infer_range(InferContext &context) {
    for (size_t i = 0; i < 3; ++i)
        if (!context.input(i).constant)
            return context.unsupported("its inputs are not known when the network is loaded");
    for (size_t i = 0; i < 3; ++i)
        if (element_count(context.shape(i)) != 1) return context.error("input " + std::to_string(i) + " is no number");
    const double start = host::to_doubles(*context.input(0).constant).at(0);
    const double limit = host::to_doubles(*context.input(1).constant).at(0);
    const double delta = host::to_doubles(*context.input(2).constant).at(0);
    const double count = std::ceil((limit - start) / delta);
    if (!(count < 1e9)) return context.error("a step of zero, or too many elements");
    context.set_output(0, context.input(0).dtype, {count > 0 ? static_cast<int64_t>(count) : 0});
    return {};
}

Tensors evaluate_range(const Node &, Inputs inputs) {
    const double start = host::to_doubles(*inputs[0]).at(0), limit = host::to_doubles(*inputs[1]).at(0);
    const double delta = host::to_doubles(*inputs[2]).at(0);
    const double count = std::ceil((limit - start) / delta);
    std::vector<double> values(count > 0 ? static_cast<size_t>(count) : 0);
    for (size_t i = 0; i < values.size(); ++i) values[i] = start + static_cast<double>(i) * delta;
    return std::vector<HostTensor>{host::from_doubles(inputs[0]->dtype, {static_cast<int64_t>(values.size())}, values)};
}

Status infer_cast(InferContext &context) {
    const int64_t number = context.node().int_or("to", 0);
    const auto type = host::dtype_of_onnx(number);
    if (!type) return context.unsupported("type number " + std::to_string(number) + " in attribute to");
    context.set_output(0, *type, context.shape(0));
    return {};
}

Tensors evaluate_cast(const Node &node, Inputs inputs) {
    return std::vector<HostTensor>{host::cast(*inputs[0], *host::dtype_of_onnx(node.int_or("to", 1)))};
}

/// A cast between float types changes nothing on the device, which keeps every float as the session's storage type.
Status plan_cast(PlanContext &context) {
    if (!is_float(context.input(0).dtype) || !is_float(context.output().dtype))
        return context.unsupported("a cast between " + std::string(name_of(context.input(0).dtype)) + " and " +
                                   name_of(context.output().dtype) + " of a value not known when loading");
    context.alias_output(0, 0);
    return {};
}

LayoutChoice cast_layouts(const Graph &graph, const Node &node) {
    const Layout layout = graph.values[node.inputs[0]].layout;
    return {{layout}, layout};
}

Status infer_equal(InferContext &context) {
    SAC_ASSIGN(Shape shape, host::broadcast(context.shape(0), context.shape(1)));
    context.set_output(0, DType::boolean, std::move(shape));
    return {};
}

Tensors evaluate_equal(const Node &, Inputs inputs) {
    SAC_ASSIGN(HostTensor out, host::binary(host::Binary::equal, *inputs[0], *inputs[1]));
    return std::vector<HostTensor>{std::move(out)};
}

Status infer_where(InferContext &context) {
    SAC_ASSIGN(const Shape choices, host::broadcast(context.shape(1), context.shape(2)));
    SAC_ASSIGN(Shape shape, host::broadcast(context.shape(0), choices));
    context.set_output(0, context.input(1).dtype, std::move(shape));
    return {};
}

Tensors evaluate_where(const Node &, Inputs inputs) {
    SAC_ASSIGN(HostTensor out, host::where(*inputs[0], *inputs[1], *inputs[2]));
    return std::vector<HostTensor>{std::move(out)};
}

}  // namespace

SAC_OPERATOR(constant) = {.type = "Constant", .min_inputs = 0, .infer = infer_constant, .evaluate = evaluate_constant};
SAC_OPERATOR(constant_of_shape) = {
    .type = "ConstantOfShape", .infer = infer_constant_of_shape, .evaluate = evaluate_constant_of_shape};
SAC_OPERATOR(shape) = {.type = "Shape", .infer = infer_shape};
SAC_OPERATOR(size) = {.type = "Size", .infer = infer_size};
SAC_OPERATOR(range) = {.type = "Range", .min_inputs = 3, .infer = infer_range, .evaluate = evaluate_range};
SAC_OPERATOR(cast) = {
    .type = "Cast", .infer = infer_cast, .evaluate = evaluate_cast, .layouts = cast_layouts, .plan = plan_cast};
SAC_OPERATOR(equal) = {.type = "Equal", .min_inputs = 2, .infer = infer_equal, .evaluate = evaluate_equal};
SAC_OPERATOR(where) = {.type = "Where", .min_inputs = 3, .infer = infer_where, .evaluate = evaluate_where};

}  // namespace sac::ops

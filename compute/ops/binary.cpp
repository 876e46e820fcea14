// y = a (op) b element by element with NumPy's broadcasting: Add, Sub, Mul, Div, Max, Min, Pow
// (https://onnx.ai/onnx/operators/onnx__Add.html ...). Max and Min of more than two inputs are not implemented.
// Same shapes in any layout, and in C4 also operands with one image, one channel or one pixel for all; the rest is
// dense.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

struct Kind {
    const char *type, *kernel;
    host::Binary host;
};
constexpr Kind kinds[] = {{"Add", "add", host::Binary::add}, {"Sub", "sub", host::Binary::sub},
                          {"Mul", "mul", host::Binary::mul}, {"Div", "div", host::Binary::div},
                          {"Max", "max", host::Binary::max}, {"Min", "min", host::Binary::min},
                          {"Pow", "pow", host::Binary::pow}};

const Kind &kind_of(const Node &node) {
    for (const Kind &kind : kinds) {
        if (node.type == kind.type) return kind;
    }
    return kinds[0];
}

Status infer(InferContext &ctx) {
    if (own_input_count(ctx) != 2) return ctx.unsupported(std::to_string(own_input_count(ctx)) + " inputs");
    if (ctx.node().opset < 7 && ctx.shape(0) != ctx.shape(1)) return ctx.unsupported("broadcasting by opset 6's rules");
    SAC_ASSIGN(Shape y, host::broadcast(ctx.shape(0), ctx.shape(1)));
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Result<std::vector<HostTensor>> evaluate(const Node &node, std::span<const HostTensor *const> inputs) {
    if (inputs.size() != 2) return std::vector<HostTensor>();
    const bool cast = node.type == "Pow" && inputs[0]->dtype != inputs[1]->dtype;
    SAC_ASSIGN(HostTensor y, host::binary(kind_of(node).host, *inputs[0],
                                          cast ? host::cast(*inputs[1], inputs[0]->dtype) : *inputs[1]));
    return std::vector<HostTensor>{std::move(y)};
}

// The operand's shape with leading ones, of y's rank.
Shape aligned(const Shape &operand, size_t rank) {
    Shape shape(rank - operand.size(), 1);
    shape.insert(shape.end(), operand.begin(), operand.end());
    return shape;
}

// True if C4 can broadcast the operand: images, channels and all pixels together are each whole or one.
bool broadcasts_in_c4(const Shape &operand, const Shape &y) {
    const Shape shape = aligned(operand, y.size());
    bool all = true, one = true;
    for (size_t axis = 2; axis < y.size(); ++axis) {
        all = all && shape[axis] == y[axis];
        one = one && shape[axis] == 1;
    }
    return all || one;
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Shape &y = graph.values[node.outputs[0]].shape;
    bool wanted = false, possible = y.size() > 1;
    for (const ValueId id : node.inputs) {
        const Value &x = graph.values[id];
        possible = possible && broadcasts_in_c4(x.shape, y);
        if (x.constant) continue;
        wanted = wanted || x.layout == Layout::c4;
        possible = possible && x.shape.size() == y.size();  // axis 1 must be the same axis
    }
    const Layout layout = wanted && possible ? Layout::c4 : Layout::dense;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

// How a texel of an operand follows from the image, pixel and quad of the output.
struct Steps {
    StorageId storage = 0;
    int64_t image = 0, pixel = 0, quad = 0;
    bool splat = false;  // one channel for all
};

Steps steps_in_c4(PlanContext &ctx, size_t i, const Shape &y) {
    const Shape shape = aligned(ctx.input(i).shape, y.size());
    const int64_t quads = quads_of(shape[1]), pixels = product(shape, 2, shape.size());
    Steps steps;
    if (ctx.input(i).constant) {
        Value value = ctx.input(i);
        value.shape = shape;
        steps.storage = upload_constant(ctx, value, Layout::c4);
    } else {
        steps.storage = ctx.input_storage(i);
    }
    steps.splat = shape[1] == 1 && y[1] > 1;
    steps.quad = shape[1] == 1 ? 0 : 1;
    steps.pixel = pixels == 1 ? 0 : quads;
    steps.image = shape[0] == 1 ? 0 : pixels * quads;
    return steps;
}

Steps steps_in_dense(PlanContext &ctx, size_t i, const Shape &y) {
    Steps steps;
    steps.storage = ctx.input_storage(i);
    steps.splat = element_count(ctx.input(i).shape) == 1 && element_count(y) > 1;
    steps.quad = steps.splat ? 0 : 1;
    return steps;
}

Status plan_by_texels(PlanContext &ctx, const Clamp &clamp) {
    const Value &y = ctx.output();
    const bool c4 = y.layout == Layout::c4;
    const int64_t texels = padded_element_count(y.shape, y.layout) / 4;
    const int64_t pixels = c4 ? product(y.shape, 2, y.shape.size()) : 1;
    const int64_t quads = c4 ? quads_of(y.shape[1]) : texels, channels = c4 ? y.shape[1] : 4 * texels;
    const Steps a = c4 ? steps_in_c4(ctx, 0, y.shape) : steps_in_dense(ctx, 0, y.shape);
    const Steps b = c4 ? steps_in_c4(ctx, 1, y.shape) : steps_in_dense(ctx, 1, y.shape);
    Dispatch dispatch;
    dispatch.kernel = kernel_name(ctx, std::string("binary_") + kind_of(ctx.node()).kernel, "_t");
    if (!ctx.available(dispatch.kernel, {a.storage, b.storage})) dispatch.kernel.resize(dispatch.kernel.size() - 2);
    const auto operand = [&](size_t i, StorageId storage) {
        const bool whole = element_count(ctx.input(i).shape) == element_count(y.shape);  // not broadcast
        return whole ? reads_in_place(storage) : reads(storage);
    };
    dispatch.bindings = {operand(0, a.storage), operand(1, b.storage), writes(ctx.output_storage())};
    dispatch.push_words({word(texels), word(pixels), word(quads), word(channels), word(quads), 0});
    for (const Steps &steps : {a, b}) {
        dispatch.push_words({word(steps.image), word(steps.pixel), word(steps.quad), 0, steps.splat ? 1u : 0u});
    }
    dispatch.push_float(clamp.low).push_float(clamp.high);
    dispatch.groups = {word((texels + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

Status plan_by_elements(PlanContext &ctx) {
    constexpr size_t most_axes = 6;
    Shape y = ctx.output().shape;
    if (y.size() > most_axes) return ctx.unsupported("broadcasting over " + std::to_string(y.size()) + " axes");
    const int64_t elements = element_count(y);
    y = aligned(y, most_axes);
    Dispatch dispatch;
    dispatch.kernel = kernel_name(ctx, std::string("binary_dense_") + kind_of(ctx.node()).kernel);
    dispatch.bindings = {reads(ctx.input_storage(0)), reads(ctx.input_storage(1)), writes(ctx.output_storage())};
    dispatch.push_words({word(elements)});
    for (const int64_t size : y) dispatch.push_words({word(size)});
    for (size_t i = 0; i < 2; ++i) {
        const MemoryView view = view_of(aligned(ctx.input(i).shape, most_axes), Layout::dense);
        for (size_t axis = 0; axis < most_axes; ++axis) {
            dispatch.push_words({view.shape[axis] == 1 ? 0 : word(view.strides[axis])});
        }
    }
    dispatch.groups = {word((quads_of(elements) + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

Status plan(PlanContext &ctx) {
    const Shape &y = ctx.output().shape, &a = ctx.input(0).shape, &b = ctx.input(1).shape;
    const auto clamp = as_clamp(ctx.node().epilogue);
    if (element_count(y) == 0) return ctx.unsupported("an output without elements");
    if (!clamp) return ctx.unsupported("this epilogue");
    if (ctx.output().layout == Layout::c4) return plan_by_texels(ctx, *clamp);
    const int64_t whole = element_count(y), of_a = element_count(a), of_b = element_count(b);
    if ((of_a == whole || of_a == 1) && (of_b == whole || of_b == 1)) return plan_by_texels(ctx, *clamp);
    if (ctx.node().epilogue.activation != Activation::none) return ctx.unsupported("an epilogue with broadcasting");
    return plan_by_elements(ctx);
}

constexpr Operator binary(const char *type) {
    return {.type = type, .min_inputs = 2, .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
}

}  // namespace

SAC_OPERATOR(add) = binary("Add");
SAC_OPERATOR(sub) = binary("Sub");
SAC_OPERATOR(mul) = binary("Mul");
SAC_OPERATOR(div) = binary("Div");
SAC_OPERATOR(max) = binary("Max");
SAC_OPERATOR(min) = binary("Min");
SAC_OPERATOR(pow) = binary("Pow");

}  // namespace sac::ops

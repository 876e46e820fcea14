// Functions of one element, y[i] = f(x[i]), in any layout. Which f, and its numbers, by the table below; all of
// https://onnx.ai/onnx/operators/ under their own names.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

using Tensors = Result<std::vector<HostTensor>>;

// A function of the kernel unary.comp: its family, its number there, and its two numbers.
struct Function {
    const char *family = "unary_activation";
    uint32_t kind = 0;
    float a = 0, b = 0;
};

Function activation(Activation kind, float a = 0, float b = 0) {
    return {"unary_activation", static_cast<uint32_t>(kind), a, b};
}
Function simple(uint32_t kind, float a = 0, float b = 0) { return {"unary_simple", kind, a, b}; }
Function gelu(bool by_tanh) { return {"unary_gelu", by_tanh ? 1u : 0u, 0, 0}; }
Function math(uint32_t kind, float a = 0) { return {"unary_math", kind, a, 0}; }

// `bound(i, name, fallback)`: a number of Clip's, from input i or the attribute.
template <class Bound>
std::optional<Function> function_of(const Node &node, const Bound &bound) {
    constexpr float most = std::numeric_limits<float>::max();
    const std::string &type = node.type;
    if (type == "Relu") return activation(Activation::relu);
    if (type == "LeakyRelu") return activation(Activation::leaky_relu, node.float_or("alpha", 0.01f));
    if (type == "Clip") return activation(Activation::clip, bound(1, "min", -most), bound(2, "max", most));
    if (type == "Sigmoid") return activation(Activation::sigmoid);
    if (type == "HardSwish") return activation(Activation::hard_swish);
    if (type == "Tanh") return activation(Activation::tanh);
    if (type == "HardSigmoid") {
        return activation(Activation::hard_sigmoid, node.float_or("alpha", 0.2f), node.float_or("beta", 0.5f));
    }
    if (type == "Neg") return simple(1);
    if (type == "Abs") return simple(2);
    if (type == "Floor") return simple(3);
    if (type == "Ceil") return simple(4);
    if (type == "Round") return simple(5);
    if (type == "Sign") return simple(6);
    if (type == "Reciprocal") return simple(7);
    if (type == "Sqrt") return simple(8);
    if (type == "Exp") return math(0);
    if (type == "Log") return math(1);
    if (type == "Erf") return math(2);
    if (type == "Softplus") return math(3);
    if (type == "Gelu") return gelu(node.string_or("approximate", "none") == "tanh");
    if (type == "Elu") return math(5, node.float_or("alpha", 1.0f));
    if (type == "Sin") return math(6);
    if (type == "Cos") return math(7);
    return std::nullopt;
}

Status infer(InferContext &ctx) {
    ctx.set_output(0, ctx.input(0).dtype, ctx.shape(0));
    if (ctx.node().type != "Clip" || ctx.node().opset < 11) return {};
    for (size_t i = 1; i < 3; ++i) {
        if (!ctx.has_input(i)) continue;
        if (element_count(ctx.shape(i)) != 1) return ctx.error("a bound of shape " + to_string(ctx.shape(i)));
        if (!ctx.input(i).constant) return ctx.unsupported("a bound that is not constant");
    }
    return {};
}

// On the host: what shape arithmetic needs.
Tensors evaluate(const Node &node, std::span<const HostTensor *const> inputs) {
    static constexpr std::pair<const char *, host::Unary> known[] = {
        {"Neg", host::Unary::neg},   {"Abs", host::Unary::abs},     {"Floor", host::Unary::floor},
        {"Ceil", host::Unary::ceil}, {"Round", host::Unary::round}, {"Sqrt", host::Unary::sqrt},
        {"Exp", host::Unary::exp},   {"Log", host::Unary::log},     {"Reciprocal", host::Unary::reciprocal},
    };
    for (const auto &[type, op] : known) {
        if (node.type != type) continue;
        SAC_ASSIGN(HostTensor y, host::unary(op, *inputs[0]));
        return std::vector<HostTensor>{std::move(y)};
    }
    return std::vector<HostTensor>();
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Layout layout = graph.values[node.inputs[0]].layout;
    return {std::vector<Layout>(node.inputs.size(), layout), layout};
}

Status plan(PlanContext &ctx) {
    const Value &x = ctx.input(0);
    const bool c4 = x.layout == Layout::c4;
    if (element_count(x.shape) == 0) return ctx.unsupported("an input without elements");
    const auto function = function_of(ctx.node(), [&](size_t i, const char *attribute, float fallback) {
        if (ctx.node().opset < 11) return ctx.node().float_or(attribute, fallback);
        return ctx.has_input(i) ? ctx.input(i).constant->to_floats().at(0) : fallback;
    });
    if (!function) return ctx.unsupported("no such function");
    const int64_t texels = padded_element_count(x.shape, x.layout) / 4;
    const StorageId source = ctx.input_storage(0);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, function->family, {"_t", ""}, {source});
    dispatch.bindings = {reads_in_place(source), writes(ctx.output_storage())};
    dispatch.push_words(
        {word(texels), word(c4 ? quads_of(x.shape[1]) : texels), word(c4 ? x.shape[1] : 4 * texels), function->kind});
    dispatch.push_float(function->a).push_float(function->b);
    dispatch.groups = {word((texels + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

constexpr Operator unary(const char *type) {
    return {.type = type, .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};
}

}  // namespace

SAC_OPERATOR(relu) = unary("Relu");
SAC_OPERATOR(leaky_relu) = unary("LeakyRelu");
SAC_OPERATOR(clip) = unary("Clip");
SAC_OPERATOR(sigmoid) = unary("Sigmoid");
SAC_OPERATOR(hard_sigmoid) = unary("HardSigmoid");
SAC_OPERATOR(hard_swish) = unary("HardSwish");
SAC_OPERATOR(tanh) = unary("Tanh");
SAC_OPERATOR(neg) = unary("Neg");
SAC_OPERATOR(abs) = unary("Abs");
SAC_OPERATOR(floor) = unary("Floor");
SAC_OPERATOR(ceil) = unary("Ceil");
SAC_OPERATOR(round) = unary("Round");
SAC_OPERATOR(sign) = unary("Sign");
SAC_OPERATOR(reciprocal) = unary("Reciprocal");
SAC_OPERATOR(sqrt) = unary("Sqrt");
SAC_OPERATOR(exp) = unary("Exp");
SAC_OPERATOR(log) = unary("Log");
SAC_OPERATOR(erf) = unary("Erf");
SAC_OPERATOR(softplus) = unary("Softplus");
SAC_OPERATOR(elu) = unary("Elu");
SAC_OPERATOR(gelu) = unary("Gelu");
SAC_OPERATOR(sin) = unary("Sin");
SAC_OPERATOR(cos) = unary("Cos");

}  // namespace sac::ops

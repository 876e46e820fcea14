// Transpose: y[i permuted] = x[i], y.shape[k] = x.shape[perm[k]]; without perm the axes are reversed
// (https://onnx.ai/onnx/operators/onnx__Transpose.html).
#include <numeric>

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

Result<std::vector<int64_t>> permutation(const Node &node, size_t rank) {
    std::vector<int64_t> reversed(rank);
    std::iota(reversed.rbegin(), reversed.rend(), 0);
    std::vector<int64_t> perm = node.ints_or("perm", std::move(reversed));
    if (!host::is_permutation(perm, rank)) {
        return Error(Code::invalid_file,
                     "attribute perm is " + to_string(perm) + " for " + std::to_string(rank) + " axes");
    }
    return perm;
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    SAC_ASSIGN(const auto perm, permutation(ctx.node(), x.size()));
    Shape y;
    for (const int64_t axis : perm) y.push_back(x[static_cast<size_t>(axis)]);
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

Result<std::vector<HostTensor>> evaluate(const Node &node, std::span<const HostTensor *const> inputs) {
    SAC_ASSIGN(const auto perm, permutation(node, inputs[0]->shape.size()));
    SAC_ASSIGN(HostTensor y, host::transpose(*inputs[0], perm));
    return std::vector<HostTensor>{std::move(y)};
}

// N x C x spatial... to N x spatial... x C: how C4 lies in memory, but for the padding of its channels.
bool is_channels_last(std::span<const int64_t> perm) {
    if (perm.size() < 3 || perm[0] != 0 || perm.back() != 1) return false;
    for (size_t i = 1; i + 1 < perm.size(); ++i) {
        if (perm[i] != static_cast<int64_t>(i) + 1) return false;
    }
    return true;
}

bool is_channels_first(std::span<const int64_t> perm) {
    const auto rank = static_cast<int64_t>(perm.size());
    if (rank < 3 || perm[0] != 0 || perm[1] != rank - 1) return false;
    for (int64_t i = 2; i < rank; ++i) {
        if (perm[static_cast<size_t>(i)] != i - 1) return false;
    }
    return true;
}

LayoutChoice layouts(const Graph &graph, const Node &node) {
    const Value &x = graph.values[node.inputs[0]];
    const auto perm = permutation(node, x.shape.size());
    if (perm.ok() && is_channels_last(*perm) && x.layout == Layout::c4) return {{Layout::c4}, Layout::dense};
    if (perm.ok() && is_channels_first(*perm) && x.layout == Layout::dense) return {{Layout::dense}, Layout::c4};
    return {{Layout::dense}, Layout::dense};
}

Status plan(PlanContext &ctx) {
    const Value &x = ctx.input(0), &y = ctx.output();
    SAC_ASSIGN(const auto perm, permutation(ctx.node(), x.shape.size()));
    if (x.layout != y.layout) {
        // The memory's order stays; only where channels do not fill texels is there padding to add or to leave out.
        const int64_t channels = x.layout == Layout::c4 ? x.shape[1] : y.shape[1], padded = round_up(channels, 4);
        if (channels == padded) {
            ctx.alias_output(0, 0);
            return {};
        }
        const int64_t rows = element_count(x.shape) / channels;
        const bool adds = y.layout == Layout::c4;
        BoxCopy copy = {ctx.input_storage(0),
                        ctx.output_storage(),
                        {rows, adds ? padded : channels},
                        {0, 0},
                        {rows, channels},
                        {adds ? channels : padded, 1},
                        0,
                        std::nullopt};
        if (adds) copy.fill = 0.0f;
        return dispatch_copy(ctx, std::move(copy));
    }
    const MemoryView from = view_of(x);
    BoxCopy copy = {
        ctx.input_storage(0), ctx.output_storage(), y.shape, std::vector<int64_t>(y.shape.size(), 0), y.shape, {}, 0,
        std::nullopt};
    for (const int64_t axis : perm) copy.stride.push_back(from.strides[static_cast<size_t>(axis)]);
    return dispatch_copy(ctx, std::move(copy));
}

}  // namespace

SAC_OPERATOR(transpose) = {.type = "Transpose", .infer = infer, .evaluate = evaluate, .layouts = layouts, .plan = plan};

}  // namespace sac::ops

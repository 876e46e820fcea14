// saccade.ConcatGather, which fusion makes of Concat along the channels and a choice among them:
//   y[:, j] = concat(x_0, x_1, ...)[:, start + j step] for j < count
// The joined tensor is never made. Attributes start, step and count; C4 alone.
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

struct Choice {
    int64_t start = 0, step = 1, count = 0;
};
Choice choice_of(const Node &node) {
    return {node.int_or("start", 0), node.int_or("step", 1), node.int_or("count", 0)};
}

Status infer(InferContext &ctx) {
    Shape y = ctx.shape(0);
    if (y.size() < 2) return ctx.error("joins channels of " + to_string(y));
    int64_t channels = 0;
    for (size_t i = 0; i < ctx.input_count(); ++i) {
        Shape x = ctx.shape(i);
        if (x.size() != y.size()) return ctx.error("joins " + to_string(y) + " and " + to_string(x));
        channels += x[1];
        x[1] = y[1];
        if (x != y) return ctx.error("joins " + to_string(y) + " and " + to_string(ctx.shape(i)));
    }
    const Choice choice = choice_of(ctx.node());
    if (choice.step < 1 || choice.count < 1 || choice.start < 0 || choice.start >= channels ||
        (channels - 1 - choice.start) / choice.step < choice.count - 1)
        return ctx.error("takes channels that are not there");
    y[1] = choice.count;
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

LayoutChoice layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

Status plan(PlanContext &ctx) {
    const Choice choice = choice_of(ctx.node());
    const Shape &y = ctx.output().shape;
    SAC_TRY(check_rows(ctx, y));
    int64_t base = 0, taken = 0;  // channels of the joined tensor before this input, and of the result before them
    for (size_t i = 0; i < ctx.node().inputs.size(); ++i) {
        const int64_t channels = ctx.input(i).shape[1];
        const int64_t first = choice.start + taken * choice.step;
        const int64_t here = std::min(first < base + channels ? (base + channels - 1 - first) / choice.step + 1 : 0,
                                      choice.count - taken);
        if (here > 0)
            dispatch_channels(ctx, {input_as(ctx, i, Layout::c4), ctx.output_storage(), rows_of(y), channels, y[1],
                                    first - base, choice.step, taken, here});
        taken += here;
        base += channels;
    }
    return {};
}

}  // namespace

SAC_OPERATOR(concat_gather) = {
    .type = "ConcatGather", .domain = "saccade", .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops

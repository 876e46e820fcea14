// saccade.ChannelGather: outputs y_0[:, j] = x[:, channels[j]], y_1[:, j] = x[:, channels[counts[0] + j]], ...: what
// fusion makes of the views in a channel shuffle. Evenly spaced channels are a copy (copy_channels.comp), others go by
// a table (channel_gather.comp).
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

// The channels of each output.
using Choices = std::vector<std::vector<int64_t>>;

Result<Choices> read(const Node &node, const Shape &x) {
    const std::vector<int64_t> channels = node.ints_or("channels", {});
    const std::vector<int64_t> counts = node.ints_or("counts", {});
    Choices choices;
    auto next = channels.begin();
    for (const int64_t count : counts) {
        if (count < 1 || count > channels.end() - next)
            return Error(Code::invalid_file, "attribute counts is " + to_string(counts) + " for " +
                                                 std::to_string(channels.size()) + " channels");
        choices.emplace_back(next, next + count);
        next += count;
    }
    if (x.size() < 2 || next != channels.end() || choices.size() != node.outputs.size())
        return Error(Code::invalid_file, "takes " + std::to_string(channels.size()) + " channels of " + to_string(x) +
                                             " for " + std::to_string(node.outputs.size()) + " outputs");
    for (const int64_t channel : channels)
        if (channel < 0 || channel >= x[1] || channel >= 1 << 24)
            return Error(Code::invalid_file, "takes channel " + std::to_string(channel) + " of " + to_string(x));
    return choices;
}

Status infer(InferContext &ctx) {
    const auto choices = read(ctx.node(), ctx.shape(0));
    if (!choices.ok()) return ctx.error(choices.error().message);
    Shape y = ctx.shape(0);
    for (size_t i = 0; i < choices->size(); ++i) {
        y[1] = static_cast<int64_t>((*choices)[i].size());
        ctx.set_output(i, ctx.input(0).dtype, y);
    }
    return {};
}

LayoutChoice layouts(const Graph &, const Node &) { return {{Layout::c4}, Layout::c4}; }

void gather(PlanContext &ctx, size_t output, const std::vector<int64_t> &channels) {
    const Shape &x = ctx.input(0).shape;
    const auto count = static_cast<int64_t>(channels.size());
    const StorageId source = ctx.input_storage(0);
    const PlanContext::Place place = ctx.output_place(output);
    const int64_t step = count > 1 ? channels[1] - channels[0] : 1;
    bool even = step > 0;
    for (size_t j = 1; j < channels.size(); ++j) even = even && channels[j] - channels[j - 1] == step;
    if (even) {
        dispatch_channels(ctx, {source, place.storage, rows_of(x), x[1], 4 * place.stride, channels[0], step,
                                4 * place.offset, count});
        return;
    }
    const int64_t quads = quads_of(count), texels = rows_of(x) * quads;
    const auto table_values = [channels, quads] {
        std::vector<float> values(channels.begin(), channels.end());
        values.resize(static_cast<size_t>(4 * quads), -1.0f);
        return values;
    };
    const StorageId table = ctx.upload(ctx.node().name + ".channels", 4 * quads, table_values, DType::f32);
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, "channel_gather", {"_t", ""}, {source, table});
    dispatch.bindings = {reads(source), reads(table), writes(place.storage)};
    dispatch.push_words({word(texels), word(quads), word(quads_of(x[1])), word(place.stride), word(place.offset)});
    dispatch.groups = {word((texels + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

Status plan(PlanContext &ctx) {
    SAC_ASSIGN(const Choices choices, read(ctx.node(), ctx.input(0).shape));
    for (size_t i = 0; i < choices.size(); ++i) gather(ctx, i, choices[i]);
    return {};
}

}  // namespace

SAC_OPERATOR(channel_gather) = {
    .type = "ChannelGather", .domain = "saccade", .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops

// DepthToSpace and SpaceToDepth over N x C x H x W with blocks of b x b pixels
// (https://onnx.ai/onnx/operators/onnx__DepthToSpace.html, onnx__SpaceToDepth.html):
//   DepthToSpace  y[n, c, h b + i, w b + j] = x[n, (i b + j) C/b^2 + c, h, w], or (mode CRD) x[n, c b^2 + i b + j, h,
//   w] SpaceToDepth  the inverse; of ONNX's modes it only has the first, fusion also gives it the second
#include "compute/ops/depth_to_space.h"

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

struct Blocks {
    int64_t size = 1;
    bool channels_outer = false;  ///< mode CRD
};

Result<Blocks> read(const Node &node) {
    Blocks blocks;
    blocks.size = node.int_or("blocksize", 0);
    // A block's pixels are a loop's turns, of which some drivers count 65,535.
    if (blocks.size < 1 || blocks.size > 128) {
        return Error(blocks.size < 1 ? Code::invalid_file : Code::unsupported,
                     "attribute blocksize is " + std::to_string(blocks.size));
    }
    const std::string mode = node.string_or("mode", "DCR");
    if (mode != "DCR" && mode != "CRD") return Error(Code::invalid_file, "attribute mode is '" + mode + "'");
    blocks.channels_outer = mode == "CRD";
    return blocks;
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    SAC_ASSIGN(const Blocks blocks, read(ctx.node()));
    if (x.size() != 4) return ctx.error("an input of shape " + to_string(x) + " instead of N x C x H x W");
    const int64_t b = blocks.size;
    const bool up = ctx.node().type == "DepthToSpace";
    if (up ? x[1] % (b * b) != 0 : x[2] % b != 0 || x[3] % b != 0) {
        return ctx.error("blocks of " + std::to_string(b) + " of an input " + to_string(x));
    }
    ctx.set_output(
        0, ctx.input(0).dtype,
        up ? Shape{x[0], x[1] / (b * b), x[2] * b, x[3] * b} : Shape{x[0], x[1] * b * b, x[2] / b, x[3] / b});
    return {};
}

LayoutChoice layouts(const Graph &, const Node &) { return {{Layout::c4}, Layout::c4}; }

Status check_size(const PlanContext &ctx) {
    const Shape &y = ctx.output().shape;
    if (element_count(y) == 0 || padded_element_count(y, Layout::c4) >= int64_t{1} << 31) {
        return ctx.unsupported("an output of shape " + to_string(y));
    }
    return {};
}

Status plan_up(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    SAC_ASSIGN(const Blocks blocks, read(ctx.node()));
    SAC_TRY(check_size(ctx));
    DepthToSpace shuffle;
    shuffle.source = ctx.input_storage(0);
    shuffle.destination = ctx.output_place();
    shuffle.batch = y[0];
    shuffle.channels = y[1];
    shuffle.source_channels = x[1];
    shuffle.channel_step = blocks.channels_outer ? blocks.size * blocks.size : 1;
    shuffle.phase_step = blocks.channels_outer ? 1 : y[1];
    shuffle.in = {1, x[2], x[3]};
    shuffle.out = {1, y[2], y[3]};
    shuffle.block = {1, blocks.size, blocks.size};
    dispatch_depth_to_space(ctx, shuffle);
    return {};
}

Status plan_down(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    SAC_ASSIGN(const Blocks blocks, read(ctx.node()));
    SAC_TRY(check_size(ctx));
    const StorageId source = ctx.input_storage(0);
    const PlanContext::Place place = ctx.output_place();
    const int64_t count = rows_of(y) * quads_of(y[1]);
    const bool quads = !blocks.channels_outer && x[1] % 4 == 0;
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, quads ? "space_to_depth_quads" : "space_to_depth", {"_t", ""}, {source});
    dispatch.bindings = {reads(source), writes(place.storage)};
    dispatch.push_words({word(count), word(x[1]), word(y[1]), word(quads_of(x[1])), word(place.stride),
                         word(place.offset), word(y[2]), word(y[3]), word(blocks.size), word(blocks.size),
                         blocks.channels_outer ? 1u : 0u});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

void dispatch_depth_to_space(PlanContext &ctx, const DepthToSpace &shuffle, bool epilogue) {
    const int64_t quads = quads_of(shuffle.channels);
    const int64_t count = shuffle.batch * shuffle.in[0] * shuffle.in[1] * shuffle.in[2] * quads;
    const bool whole = shuffle.channel_step == 1 && shuffle.phase_step % 4 == 0;
    const Epilogue &todo = ctx.node().epilogue;
    const bool residual = epilogue && todo.residual;
    const StorageId other = residual ? ctx.residual_storage() : shuffle.source;
    Dispatch dispatch;
    dispatch.kernel =
        epilogue ? choose_kernel(ctx, "depth_to_space_quads", {"_full_t", "_full"}, {shuffle.source, other})
                 : choose_kernel(ctx, whole ? "depth_to_space_quads" : "depth_to_space", {"_t", ""}, {shuffle.source});
    dispatch.bindings = {reads(shuffle.source)};
    if (epilogue) dispatch.bindings.push_back(residual ? reads_in_place(other) : reads(other));
    dispatch.bindings.push_back(writes(shuffle.destination.storage));
    dispatch.push_words({word(count), word(shuffle.channels), word(quads_of(shuffle.source_channels)),
                         word(shuffle.destination.stride), word(shuffle.destination.offset), word(shuffle.channel_step),
                         word(shuffle.phase_step)});
    for (const auto *sizes : {&shuffle.in, &shuffle.out, &shuffle.block})
        for (const int64_t size : *sizes) dispatch.push_words({word(size)});
    if (epilogue) {
        dispatch.push_words(
            {residual ? 1u : 0u, residual ? word(quads) : 0, 0, static_cast<uint32_t>(todo.activation)});
        dispatch.push_float(todo.a).push_float(todo.b);
    }
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

SAC_OPERATOR(depth_to_space) = {.type = "DepthToSpace", .infer = infer, .layouts = layouts, .plan = plan_up};
SAC_OPERATOR(space_to_depth) = {.type = "SpaceToDepth", .infer = infer, .layouts = layouts, .plan = plan_down};

}  // namespace sac::ops

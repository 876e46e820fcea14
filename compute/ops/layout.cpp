// Conversions that the layout pass puts between operators (domain saccade): y is x in another layout or storage type.
//   ToC4     dense to C4     ToDense  C4 to dense     Convert  f32 to f16 and back
#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

Status infer(InferContext &ctx) {
    ctx.set_output(0, ctx.input(0).dtype, ctx.shape(0));
    return {};
}

// As f32 or f16 in the layout that it has: texel by texel.
void dispatch_convert(PlanContext &ctx, StorageId source, StorageId destination, int64_t texels) {
    Dispatch dispatch;
    dispatch.kernel = ctx.output().storage == DType::f16 ? "convert_f32_f16" : "convert_f16_f32";
    dispatch.bindings = {reads(source), writes(destination)};
    dispatch.push_words({word(texels)});
    dispatch.groups = {word((texels + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

int64_t texels_of(const Value &value) { return padded_element_count(value.shape, value.layout) / 4; }

Status plan_convert(PlanContext &ctx) {
    dispatch_convert(ctx, ctx.input_storage(0), ctx.output_storage(), texels_of(ctx.input(0)));
    return {};
}

Status plan_layout(PlanContext &ctx) {
    const Value &x = ctx.input(0), &y = ctx.output();
    const int64_t images = y.shape[0], channels = y.shape[1], pixels = product(y.shape, 2, y.shape.size());
    const bool to_c4 = y.layout == Layout::c4;
    // One pixel an image: the same memory, but for the channels' padding (which a single row of dense has, though not
    // as zeros).
    const bool same = pixels == 1 && (channels % 4 == 0 || (!to_c4 && images == 1));
    if (same && x.storage == y.storage) {
        ctx.alias_output(0, 0);
        return {};
    }
    if (same) return plan_convert(ctx);

    StorageId source = ctx.input_storage(0);
    if (x.storage != y.storage) {
        const StorageId converted = ctx.temporary(x.name + "/converted", padded_element_count(x.shape, x.layout));
        dispatch_convert(ctx, source, converted, texels_of(x));
        source = converted;
    }
    const int64_t elements = images * channels * pixels;
    const bool block = pixels % 4 == 0;
    const int64_t quads = quads_of(channels), blocks = images * pixels / 4 * quads;
    const int64_t count = block ? blocks : to_c4 ? images * pixels * quads : quads_of(elements);
    Dispatch dispatch;
    const std::string stem = std::string(to_c4 ? "to_c4" : "to_dense") + (block ? "_block" : "");
    dispatch.kernel = choose_kernel(ctx, stem, {"_t", ""}, {source});
    dispatch.bindings = {reads(source), writes(ctx.output_storage())};
    dispatch.push_words({word(count), word(pixels), word(channels)});
    if (!to_c4) dispatch.push_words({word(elements)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

LayoutChoice keep_layout(const Graph &graph, const Node &node) {
    return {{graph.values[node.inputs[0]].layout}, graph.values[node.outputs[0]].layout};
}

}  // namespace

SAC_OPERATOR(to_c4) = {
    .type = "ToC4", .domain = "saccade", .infer = infer, .layouts = keep_layout, .plan = plan_layout};
SAC_OPERATOR(to_dense) = {
    .type = "ToDense", .domain = "saccade", .infer = infer, .layouts = keep_layout, .plan = plan_layout};
SAC_OPERATOR(convert) = {
    .type = "Convert", .domain = "saccade", .infer = infer, .layouts = keep_layout, .plan = plan_convert};

}  // namespace sac::ops

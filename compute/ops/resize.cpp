// Resize (from opset 10) and Upsample of the spatial axes, nearest or linear
// (https://onnx.ai/onnx/operators/onnx__Resize.html): every coordinate mode but tf_crop_and_resize, every rounding
// mode. y[n, c, i, j] = x[n, c, row(i), column(j)], or the bilinear mean of four; row and column are tables made at
// plan time.
#include <algorithm>

#include "compute/ops/copy.h"

namespace sac::ops {

namespace {

// What happens along one axis.
struct Axis {
    int64_t in = 1, out = 1;
    float scale = 1;
};

struct Modes {
    std::string coordinate, nearest;
    bool linear = false;
};

Result<Modes> read_modes(const Node &node) {
    const bool modern = node.type == "Resize" && node.opset >= 11;
    Modes modes;
    const std::string mode = node.string_or("mode", "nearest");
    modes.linear = mode == "linear" || mode == "bilinear";
    if (!modes.linear && mode != "nearest") return Error(Code::unsupported, "attribute mode '" + mode + "'");
    modes.coordinate = modern ? node.string_or("coordinate_transformation_mode", "half_pixel") : "asymmetric";
    modes.nearest = modern ? node.string_or("nearest_mode", "round_prefer_floor") : "floor";
    constexpr std::string_view coordinates[] = {"half_pixel", "pytorch_half_pixel",   "align_corners",
                                                "asymmetric", "tf_half_pixel_for_nn", "half_pixel_symmetric"};
    if (std::find(std::begin(coordinates), std::end(coordinates), modes.coordinate) == std::end(coordinates)) {
        return Error(Code::unsupported, "attribute coordinate_transformation_mode '" + modes.coordinate + "'");
    }
    constexpr std::string_view roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    if (std::find(std::begin(roundings), std::end(roundings), modes.nearest) == std::end(roundings)) {
        return Error(Code::unsupported, "attribute nearest_mode '" + modes.nearest + "'");
    }
    for (const char *key : {"antialias", "exclude_outside"}) {
        if (node.int_or(key, 0) != 0) return Error(Code::unsupported, std::string("attribute ") + key);
    }
    if (node.find("axes") || node.string_or("keep_aspect_ratio_policy", "stretch") != "stretch") {
        return Error(Code::unsupported, "attribute axes or keep_aspect_ratio_policy");
    }
    return modes;
}

// `constant(i)`: input i's value, null if it is left out or empty.
template <class Constant>
Result<std::vector<Axis>> read_axes(const Node &node, const Shape &x, const Constant &constant) {
    const bool has_roi = node.type == "Resize" && node.opset >= 11;
    SAC_ASSIGN(const HostTensor *scales, constant(has_roi ? 2 : 1));
    SAC_ASSIGN(const HostTensor *sizes, constant(3));
    std::vector<Axis> axes(x.size());
    std::vector<float> factors;
    const Attribute *attribute = node.find("scales");
    if (const auto *list = attribute ? std::get_if<std::vector<float>>(attribute) : nullptr) factors = *list;
    if (scales) factors = scales->to_floats();
    const std::vector<int64_t> wanted = sizes && factors.empty() ? sizes->to_int64s() : std::vector<int64_t>();
    if (factors.size() != x.size() && wanted.size() != x.size()) {
        return Error(Code::invalid_file, "neither scales nor sizes has a number for each axis of " + to_string(x));
    }
    for (size_t i = 0; i < x.size(); ++i) {
        Axis &axis = axes[i];
        axis.in = x[i];
        const double out = factors.empty() ? static_cast<double>(wanted[i])
                                           : std::floor(static_cast<double>(x[i]) * static_cast<double>(factors[i]));
        if (!(out >= 1 && out <= 1 << 20)) {
            return Error(Code::invalid_file,
                         "axis " + std::to_string(i) + " of " + to_string(x) + " becomes " + std::to_string(out));
        }
        axis.out = static_cast<int64_t>(out);
        axis.scale = factors.empty() ? static_cast<float>(axis.out) / static_cast<float>(axis.in) : factors[i];
        if (i < 2 && axis.out != axis.in) return Error(Code::unsupported, "resizing the batch or the channels");
    }
    return axes;
}

Status infer(InferContext &ctx) {
    const Shape &x = ctx.shape(0);
    if (x.size() != 3 && x.size() != 4) return ctx.unsupported("an input of shape " + to_string(x));
    SAC_TRY(read_modes(ctx.node()));
    SAC_ASSIGN(const auto axes, read_axes(ctx.node(), x, [&](size_t i) -> Result<const HostTensor *> {
                   if (!ctx.has_input(i)) return nullptr;
                   if (!ctx.input(i).constant) return ctx.unsupported("scales or sizes that are not constant");
                   return element_count(ctx.shape(i)) == 0 ? nullptr : &*ctx.input(i).constant;
               }));
    Shape y;
    for (const Axis &axis : axes) y.push_back(axis.out);
    ctx.set_output(0, ctx.input(0).dtype, std::move(y));
    return {};
}

// In float, as other runtimes do: which side of a boundary a coordinate falls on is part of the result.
float source_of(const Modes &modes, const Axis &axis, int64_t i) {
    const float x = static_cast<float>(i), in = static_cast<float>(axis.in), out = static_cast<float>(axis.out);
    if (modes.coordinate == "align_corners") return axis.out == 1 ? 0 : x * (in - 1) / (out - 1);
    if (modes.coordinate == "asymmetric") return x / axis.scale;
    if (modes.coordinate == "tf_half_pixel_for_nn") return (x + 0.5f) / axis.scale;
    if (modes.coordinate == "pytorch_half_pixel" && axis.out == 1) return 0;
    const float centre = (x + 0.5f) / axis.scale - 0.5f;
    if (modes.coordinate != "half_pixel_symmetric") return centre;
    return in / 2 * (1 - out / (axis.scale * in)) + centre;
}

float rounded(const std::string &mode, float x) {
    if (mode == "floor") return std::floor(x);
    if (mode == "ceil") return std::ceil(x);
    return mode == "round_prefer_ceil" ? std::floor(x + 0.5f) : std::ceil(x - 0.5f);
}

// A texel for each output position: first source, second source, the second's weight.
void append_table(std::vector<float> &table, const Modes &modes, const Axis &axis) {
    const float last = static_cast<float>(axis.in - 1);
    for (int64_t i = 0; i < axis.out; ++i) {
        const float at = source_of(modes, axis, i);
        if (!modes.linear) {
            const float index = std::clamp(rounded(modes.nearest, at), 0.0f, last);
            table.insert(table.end(), {index, index, 0, 0});
            continue;
        }
        const float inside = std::clamp(at, 0.0f, last), first = std::floor(inside);
        table.insert(table.end(), {first, std::min(first + 1, last), inside - first, 0});
    }
}

LayoutChoice layouts(const Graph &, const Node &node) {
    return {std::vector<Layout>(node.inputs.size(), Layout::c4), Layout::c4};
}

Status plan(PlanContext &ctx) {
    const Shape &x = ctx.input(0).shape, &y = ctx.output().shape;
    SAC_ASSIGN(const Modes modes, read_modes(ctx.node()));
    SAC_ASSIGN(const auto axes, read_axes(ctx.node(), x, [&](size_t i) -> Result<const HostTensor *> {
                   if (!ctx.has_input(i) || element_count(ctx.input(i).shape) == 0) return nullptr;
                   return &*ctx.input(i).constant;
               }));
    const Axis rows = x.size() == 4 ? axes[2] : Axis(), columns = axes.back();
    std::vector<float> table;
    append_table(table, modes, rows);
    append_table(table, modes, columns);
    const auto table_size = static_cast<int64_t>(table.size());
    const StorageId tables = ctx.upload(
        ctx.node().name + ".table", table_size, [table] { return table; }, DType::f32);
    const StorageId source = ctx.input_storage(0);
    const int64_t quads = quads_of(x[1]), count = rows_of(y) * quads;
    const PlanContext::Place place = ctx.output_place();
    Dispatch dispatch;
    dispatch.kernel =
        choose_kernel(ctx, modes.linear ? "resize2d_linear" : "resize2d_nearest", {"_t", ""}, {source, tables});
    dispatch.bindings = {reads(source), reads(tables), writes(place.storage)};
    dispatch.push_words({word(count), word(x[1]), word(quads), 0, word(place.stride), word(place.offset), word(rows.in),
                         word(columns.in), word(rows.out), word(columns.out)});
    dispatch.groups = {word((count + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

}  // namespace

SAC_OPERATOR(resize) = {.type = "Resize", .since = 10, .infer = infer, .layouts = layouts, .plan = plan};
SAC_OPERATOR(upsample) = {.type = "Upsample", .since = 7, .infer = infer, .layouts = layouts, .plan = plan};

}  // namespace sac::ops

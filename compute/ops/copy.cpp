#include "compute/ops/copy.h"

#include <numeric>

namespace sac {

namespace {

constexpr size_t most_axes = 6;  // of copy_dense.comp

bool covers(const BoxCopy &copy, size_t axis) { return copy.begin[axis] == 0 && copy.size[axis] == copy.shape[axis]; }

void erase_axis(BoxCopy &copy, size_t axis) {
    const auto at = static_cast<std::ptrdiff_t>(axis);
    copy.shape.erase(copy.shape.begin() + at);
    copy.begin.erase(copy.begin.begin() + at);
    copy.size.erase(copy.size.begin() + at);
    copy.stride.erase(copy.stride.begin() + at);
}

// Fewer axes for the same copy: those of size 1 go, and an axis that is whole joins the one before it.
void simplify(BoxCopy &copy) {
    for (size_t axis = copy.shape.size(); axis-- > 0;) {
        if (copy.shape[axis] == 1 && copy.size[axis] == 1) erase_axis(copy, axis);
    }
    for (size_t axis = copy.shape.size(); axis-- > 1;) {
        const size_t before = axis - 1;
        if (!covers(copy, axis) || copy.stride[before] != copy.stride[axis] * copy.shape[axis]) continue;
        const int64_t whole = copy.shape[axis];
        copy.shape[before] *= whole;
        copy.begin[before] *= whole;
        copy.size[before] *= whole;
        copy.stride[before] = copy.stride[axis];
        erase_axis(copy, axis);
    }
}

// Whole rows, or rows that are padded or cut off behind: copy_rows.comp does with one division what copy_dense.comp
// does with six.
bool is_of_rows(const BoxCopy &copy) {
    return copy.shape.size() == 2 && copy.begin[0] == 0 && copy.begin[1] == 0 && copy.size[0] == copy.shape[0] &&
           copy.stride[1] == 1 && copy.stride[0] >= 0 && copy.offset >= 0 &&
           (copy.fill || copy.size[1] == copy.shape[1]);
}

void dispatch_rows(PlanContext &ctx, const BoxCopy &copy) {
    const int64_t texels = quads_of(element_count(copy.shape));
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, "copy_rows", {"_t", ""}, {copy.source});
    dispatch.bindings = {reads(copy.source), writes(copy.destination)};
    dispatch.push_words({word(texels), word(copy.shape[0]), word(copy.offset), word(copy.stride[0]),
                         word(copy.shape[1]), word(copy.size[1])});
    dispatch.push_float(copy.fill.value_or(0.0f));
    dispatch.groups = {word((texels + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

}  // namespace

MemoryView view_of(const Shape &shape, Layout layout) {
    MemoryView view;
    view.shape = shape;
    view.axis_of.resize(shape.size());
    std::iota(view.axis_of.begin(), view.axis_of.end(), size_t{0});
    if (layout == Layout::c4) {
        view.shape.erase(view.shape.begin() + 1);
        view.shape.push_back(round_up(shape[1], 4));
        for (size_t axis = 2; axis < shape.size(); ++axis) view.axis_of[axis] = axis - 1;
        view.axis_of[1] = shape.size() - 1;
    }
    view.strides.assign(view.shape.size(), 1);
    for (size_t axis = view.shape.size(); axis-- > 1;) {
        view.strides[axis - 1] = view.strides[axis] * view.shape[axis];
    }
    return view;
}

StorageId upload_constant(PlanContext &ctx, const Value &value, Layout layout) {
    const HostTensor &tensor = *value.constant;
    if (layout == Layout::dense)
        return ctx.upload(value.name, element_count(tensor.shape), [tensor] { return tensor.to_floats(); });
    const int64_t count = padded_element_count(value.shape, Layout::c4);
    return ctx.upload(value.name, count,
                      [tensor, shape = value.shape] { return to_c4(tensor.as_f32().as<float>(), shape); });
}

StorageId input_as(PlanContext &ctx, size_t i, Layout layout) {
    return ctx.input(i).constant && layout == Layout::c4 ? upload_constant(ctx, ctx.input(i), layout)
                                                         : ctx.input_storage(i);
}

Status dispatch_copy(PlanContext &ctx, BoxCopy copy) {
    const int64_t elements = element_count(copy.shape);
    if (elements >= int64_t{1} << 31) return ctx.unsupported("a tensor of shape " + to_string(copy.shape));
    if (!copy.fill && element_count(copy.size) == 0) return {};
    simplify(copy);
    if (copy.shape.size() > most_axes) {
        return ctx.unsupported("a copy over " + std::to_string(copy.shape.size()) + " axes that cannot be merged");
    }
    if (is_of_rows(copy)) {
        dispatch_rows(ctx, copy);
        return {};
    }
    // The texels from the box's first element to its last, or all of them.
    int64_t first = 0, last = 0, stride = 1;
    for (size_t axis = copy.shape.size(); axis-- > 0;) {
        first += copy.begin[axis] * stride;
        last += (copy.begin[axis] + copy.size[axis] - 1) * stride;
        stride *= copy.shape[axis];
    }
    const int64_t first_texel = copy.fill ? 0 : first / 4;
    const int64_t texels = copy.fill ? quads_of(elements) : last / 4 - first_texel + 1;

    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, copy.fill ? "copy_dense_fill" : "copy_dense", {"_t", ""}, {copy.source});
    dispatch.bindings = {reads(copy.source), writes(copy.destination)};
    dispatch.push_words({word(first_texel), word(texels), word(copy.offset)});
    const auto push_axes = [&](const std::vector<int64_t> &values, int64_t missing) {
        for (size_t i = values.size(); i < most_axes; ++i) dispatch.push_words({word(missing)});
        for (const int64_t value : values) dispatch.push_words({word(value)});
    };
    push_axes(copy.shape, 1);
    push_axes(copy.begin, 0);
    push_axes(copy.size, 1);
    push_axes(copy.stride, 0);
    dispatch.push_float(copy.fill.value_or(0.0f));
    dispatch.groups = {word((texels + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
    return {};
}

namespace {

// The variant of copy_channels.comp: whole texels, every other channel, or any channels.
const char *channel_kernel(const ChannelCopy &copy, int64_t quads) {
    const int64_t source_end = copy.source_begin + copy.count, end = copy.destination_begin + copy.count;
    const bool to_last = end == copy.destination_channels;
    const bool whole = copy.destination_begin % 4 == 0 && (copy.count % 4 == 0 || to_last);
    const bool ends_alike = copy.count % 4 == 0 || source_end == copy.source_channels;  // then the pad lanes are zero
    if (whole && copy.step == 1 && copy.source_begin % 4 == 0 && ends_alike) return "copy_channels_quads";
    const bool two_for_one = copy.source_begin / 4 + 2 * quads <= quads_of(copy.source_channels);
    if (whole && copy.step == 2 && copy.source_begin % 8 < 2 && two_for_one) return "copy_channels_pairs";
    return copy.destination_begin % 4 ? "copy_channels_keep" : "copy_channels";
}

}  // namespace

void dispatch_channels(PlanContext &ctx, const ChannelCopy &copy) {
    if (copy.count == 0) return;
    const int64_t quads = quads_of(copy.destination_begin + copy.count) - copy.destination_begin / 4;
    const bool whole = copy.destination_begin % 4 == 0;  // texels: else what lies before in the first one is kept
    Dispatch dispatch;
    dispatch.kernel = choose_kernel(ctx, channel_kernel(copy, quads), {"_t", ""}, {copy.source});
    dispatch.bindings = {reads(copy.source), whole ? writes_part(copy.destination) : writes(copy.destination)};
    dispatch.push_words({word(copy.rows), word(quads), word(quads_of(copy.source_channels)),
                         word(quads_of(copy.destination_channels)), word(copy.source_begin), word(copy.step),
                         word(copy.destination_begin), word(copy.count), word(copy.destination_channels)});
    dispatch.groups = {word((copy.rows * quads + 63) / 64), 1, 1};
    ctx.dispatch(std::move(dispatch));
}

}  // namespace sac

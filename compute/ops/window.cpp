#include "compute/ops/window.h"

namespace sac {

namespace {

constexpr int64_t window_limit = 1 << 15;  // of sides, strides, dilations and pads: products of two stay small
constexpr int64_t size_limit = 1 << 30;    // of an axis

Result<std::vector<int64_t>> read_list(const Node &node, const char *key, size_t count, int64_t fallback, int64_t low,
                                       int64_t high = window_limit) {
    std::vector<int64_t> list = node.ints_or(key, {});
    if (list.empty()) list.assign(count, fallback);
    if (list.size() != count) {
        return Error(Code::invalid_file,
                     format("attribute %s has %zu numbers, %zu are needed", key, list.size(), count));
    }
    for (const int64_t value : list) {
        if (value < low || value > high) {
            return Error(
                value < low ? Code::invalid_file : Code::unsupported,
                format("attribute %s has the value %lld, which is not in [%lld, %lld]", key,
                       static_cast<long long>(value), static_cast<long long>(low), static_cast<long long>(high)));
        }
    }
    return list;
}

// What a node says of its window, an axis after the other; outputs are not settled yet.
struct Attributes {
    std::vector<WindowAxis> axes;
    std::string auto_pad;
};

Result<Attributes> read_attributes(const Node &node, const Shape &input, std::span<const int64_t> kernel) {
    if (input.size() < 3 || input.size() > 5) {
        return Error(Code::unsupported, "an input of rank " + std::to_string(input.size()) +
                                            ": only N x C and one to three spatial axes are implemented");
    }
    const size_t count = input.size() - 2;
    if (kernel.size() != count) {
        return Error(Code::invalid_file, format("a window of %zu axes over %zu", kernel.size(), count));
    }
    for (const int64_t side : kernel) {
        if (side < 1 || side > window_limit) {
            return Error(Code::invalid_file, "a window's side is " + std::to_string(side));
        }
    }
    SAC_ASSIGN(const auto strides, read_list(node, "strides", count, 1, 1));
    SAC_ASSIGN(const auto dilations, read_list(node, "dilations", count, 1, 1));
    SAC_ASSIGN(const auto pads, read_list(node, "pads", 2 * count, 0, 0));
    Attributes attributes;
    attributes.auto_pad = node.string_or("auto_pad", "NOTSET");
    const std::string &auto_pad = attributes.auto_pad;
    if (auto_pad != "NOTSET" && auto_pad != "VALID" && auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
        return Error(Code::invalid_file, "attribute auto_pad is '" + auto_pad + "'");
    }
    for (size_t i = 0; i < count; ++i) {
        WindowAxis axis = {input[2 + i], kernel[i], strides[i], dilations[i], pads[i], pads[count + i], 0};
        if (auto_pad == "VALID") axis.pad_begin = axis.pad_end = 0;
        attributes.axes.push_back(axis);
    }
    return attributes;
}

Status settle(WindowAxis &axis, const std::string &auto_pad, bool ceil_mode) {
    const int64_t reach = (axis.kernel - 1) * axis.dilation + 1;
    if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
        axis.out = (axis.in + axis.stride - 1) / axis.stride;
        const int64_t pad = std::max<int64_t>(0, (axis.out - 1) * axis.stride + reach - axis.in);
        axis.pad_begin = auto_pad == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
        axis.pad_end = pad - axis.pad_begin;
        return {};
    }
    const int64_t room = axis.in + axis.pad_begin + axis.pad_end - reach;
    if (room < 0) {
        return Error(Code::invalid_file,
                     format("a window of %lld (dilated) does not fit an axis of %lld with padding %lld and %lld",
                            static_cast<long long>(reach), static_cast<long long>(axis.in),
                            static_cast<long long>(axis.pad_begin), static_cast<long long>(axis.pad_end)));
    }
    axis.out = (ceil_mode ? room + axis.stride - 1 : room) / axis.stride + 1;
    // A window that would begin in the padding after the axis is left out.
    if (ceil_mode && (axis.out - 1) * axis.stride >= axis.in + axis.pad_begin) --axis.out;
    return {};
}

// `wanted`: the output's size where the node names it, or -1.
Status settle_transposed(WindowAxis &axis, const std::string &auto_pad, int64_t padding, int64_t wanted) {
    if (axis.in < 1 || axis.in > size_limit) {
        return Error(Code::unsupported, "an axis of " + std::to_string(axis.in) + " pixels");
    }
    const int64_t whole = (axis.in - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1 + padding;
    const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
    if (wanted < 0 && same) wanted = axis.in * axis.stride;
    if (wanted >= 0) {
        const int64_t pad = std::max<int64_t>(0, whole - wanted);
        axis.pad_begin = auto_pad == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
        axis.pad_end = pad - axis.pad_begin;
        axis.out = wanted;
    } else {
        axis.out = whole - axis.pad_begin - axis.pad_end;
    }
    if (axis.out < 1 || axis.out > size_limit || axis.pad_begin > window_limit) {
        return Error(axis.out < 1 ? Code::invalid_file : Code::unsupported,
                     format("an axis of %lld becomes one of %lld with padding %lld and %lld",
                            static_cast<long long>(axis.in), static_cast<long long>(axis.out),
                            static_cast<long long>(axis.pad_begin), static_cast<long long>(axis.pad_end)));
    }
    return {};
}

// Axes that are missing come first.
std::array<WindowAxis, 3> three(const std::vector<WindowAxis> &axes) {
    std::array<WindowAxis, 3> all;
    std::copy(axes.begin(), axes.end(), all.end() - static_cast<std::ptrdiff_t>(axes.size()));
    return all;
}

}  // namespace

Window Window::of(const std::array<WindowAxis, 3> &axes) {
    const auto &[d, h, w] = axes;
    return {d.in,       h.in,        w.in,        d.out,       h.out,     w.out,      d.kernel,
            h.kernel,   w.kernel,    d.stride,    h.stride,    w.stride,  d.dilation, h.dilation,
            w.dilation, d.pad_begin, h.pad_begin, w.pad_begin, d.pad_end, h.pad_end,  w.pad_end};
}

std::array<WindowAxis, 3> Window::axes() const {
    return {WindowAxis{in_d, kernel_d, stride_z, dilation_z, pad_front, pad_back, out_d},
            WindowAxis{in_h, kernel_h, stride_y, dilation_y, pad_top, pad_bottom, out_h},
            WindowAxis{in_w, kernel_w, stride_x, dilation_x, pad_left, pad_right, out_w}};
}

bool Window::is_pointwise() const {
    for (const WindowAxis &axis : axes()) {
        if (!axis.is_pointwise()) return false;
    }
    return true;
}

Window merge_axes(const Window &window, int64_t &batch) {
    auto [depth, height, width] = window.axes();
    if (depth.is_pointwise()) {
        batch *= depth.in;
        return Window::of({WindowAxis{}, height, width});
    }
    if (!height.is_pointwise() || !width.is_pointwise()) return window;
    width.in *= height.in;
    width.out = width.in;
    return Window::of({WindowAxis{}, depth, width});
}

Result<Window> read_window(const Node &node, const Shape &input, std::span<const int64_t> kernel) {
    SAC_ASSIGN(Attributes attributes, read_attributes(node, input, kernel));
    const bool ceil_mode = node.int_or("ceil_mode", 0) != 0;
    for (WindowAxis &axis : attributes.axes) SAC_TRY(settle(axis, attributes.auto_pad, ceil_mode));
    return Window::of(three(attributes.axes));
}

Result<std::array<WindowAxis, 3>> read_transposed_window(const Node &node, const Shape &input,
                                                         std::span<const int64_t> kernel) {
    SAC_ASSIGN(Attributes attributes, read_attributes(node, input, kernel));
    const size_t count = attributes.axes.size();
    SAC_ASSIGN(const auto padding, read_list(node, "output_padding", count, 0, 0));
    SAC_ASSIGN(const auto wanted, read_list(node, "output_shape", count, -1, -1, size_limit));
    for (size_t i = 0; i < count; ++i)
        SAC_TRY(settle_transposed(attributes.axes[i], attributes.auto_pad, padding[i], wanted[i]));
    return three(attributes.axes);
}

void push_window(Dispatch &dispatch, const Window &window) {
    const std::array<WindowAxis, 3> axes = window.axes();
    for (const WindowAxis &axis : axes) dispatch.push_words({word(axis.in)});
    for (const WindowAxis &axis : axes) dispatch.push_words({word(axis.out)});
    for (const WindowAxis &axis : axes) dispatch.push_words({word(axis.kernel | axis.stride << 16)});
    for (const WindowAxis &axis : axes) dispatch.push_words({word(axis.dilation)});
    for (const WindowAxis &axis : axes) dispatch.push_words({word(axis.pad_begin)});
}

Shape window_output(const Window &window, const Shape &input, int64_t channels) {
    Shape shape = {input[0], channels, window.out_d, window.out_h, window.out_w};
    shape.erase(shape.begin() + 2, shape.end() - static_cast<std::ptrdiff_t>(input.size() - 2));
    return shape;
}

}  // namespace sac

#include "compute/ops/conv_common.h"

namespace sac {

namespace {

constexpr int64_t window_limit = 1 << 15;  // of sides, strides, dilations and pads: products of two stay small

// Sides along one axis, before and after padding is settled.
struct Axis {
    int64_t in, kernel, stride, dilation, pad_begin, pad_end, out;
};

Result<std::vector<int64_t>> read_list(const Node &node, const char *key, size_t count, int64_t fallback, int64_t low) {
    std::vector<int64_t> list = node.ints_or(key, {});
    if (list.empty()) list.assign(count, fallback);
    if (list.size() != count) {
        return Error(Code::invalid_file,
                     format("attribute %s has %zu numbers, %zu are needed", key, list.size(), count));
    }
    for (const int64_t value : list) {
        if (value < low || value > window_limit) {
            return Error(value < low ? Code::invalid_file : Code::unsupported,
                         format("attribute %s has the value %lld, which is not in [%lld, %lld]", key,
                                static_cast<long long>(value), static_cast<long long>(low),
                                static_cast<long long>(window_limit)));
        }
    }
    return list;
}

Status settle(Axis &axis, const std::string &auto_pad, bool ceil_mode) {
    const int64_t reach = (axis.kernel - 1) * axis.dilation + 1;
    if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
        axis.out = (axis.in + axis.stride - 1) / axis.stride;
        const int64_t pad = std::max<int64_t>(0, (axis.out - 1) * axis.stride + reach - axis.in);
        axis.pad_begin = auto_pad == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
        axis.pad_end = pad - axis.pad_begin;
        return {};
    }
    if (auto_pad == "VALID") axis.pad_begin = axis.pad_end = 0;
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

}  // namespace

bool Window::is_pointwise() const {
    return kernel_h == 1 && kernel_w == 1 && stride_y == 1 && stride_x == 1 && pad_top == 0 && pad_left == 0 &&
           pad_bottom == 0 && pad_right == 0;
}

Result<Window> read_window(const Node &node, const Shape &input, std::span<const int64_t> kernel) {
    if (input.size() != 3 && input.size() != 4) {
        return Error(Code::unsupported, "an input of rank " + std::to_string(input.size()) +
                                            ": only N x C x W and N x C x H x W are implemented");
    }
    const size_t axes = input.size() - 2;
    if (kernel.size() != axes) {
        return Error(Code::invalid_file, format("a window of %zu axes over %zu", kernel.size(), axes));
    }
    for (const int64_t side : kernel) {
        if (side < 1 || side > window_limit) {
            return Error(Code::invalid_file, "a window's side is " + std::to_string(side));
        }
    }
    SAC_ASSIGN(const auto strides, read_list(node, "strides", axes, 1, 1));
    SAC_ASSIGN(const auto dilations, read_list(node, "dilations", axes, 1, 1));
    SAC_ASSIGN(const auto pads, read_list(node, "pads", 2 * axes, 0, 0));
    const std::string auto_pad = node.string_or("auto_pad", "NOTSET");
    if (auto_pad != "NOTSET" && auto_pad != "VALID" && auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
        return Error(Code::invalid_file, "attribute auto_pad is '" + auto_pad + "'");
    }
    const bool ceil_mode = node.int_or("ceil_mode", 0) != 0;

    Window window;
    for (size_t i = 0; i < axes; ++i) {
        Axis axis = {input[2 + i], kernel[i], strides[i], dilations[i], pads[i], pads[axes + i], 0};
        SAC_TRY(settle(axis, auto_pad, ceil_mode));
        const bool vertical = axes == 2 && i == 0;
        (vertical ? window.in_h : window.in_w) = axis.in;
        (vertical ? window.out_h : window.out_w) = axis.out;
        (vertical ? window.kernel_h : window.kernel_w) = axis.kernel;
        (vertical ? window.stride_y : window.stride_x) = axis.stride;
        (vertical ? window.dilation_y : window.dilation_x) = axis.dilation;
        (vertical ? window.pad_top : window.pad_left) = axis.pad_begin;
        (vertical ? window.pad_bottom : window.pad_right) = axis.pad_end;
    }
    return window;
}

Shape window_output(const Window &window, const Shape &input, int64_t channels) {
    if (input.size() == 3) return {input[0], channels, window.out_w};
    return {input[0], channels, window.out_h, window.out_w};
}

}  // namespace sac

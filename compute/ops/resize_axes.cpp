#include "compute/ops/resize_axes.h"

#include <algorithm>

namespace sac::ops {

namespace {

using Filter = ResizeModes::Filter;

template <size_t N>
Status check_one_of(const char *key, const std::string &value, const std::string_view (&known)[N]) {
    if (std::find(std::begin(known), std::end(known), value) != std::end(known)) return {};
    return Error(Code::unsupported, std::string("attribute ") + key + " '" + value + "'");
}

// Where output i looks. Of type float for the nearest element, as other runtimes compute it: which side of a boundary a
// coordinate falls on is part of the result.
template <class Real>
Real source_of(const ResizeModes &modes, const ResizeAxis &axis, int64_t i) {
    const Real x = static_cast<Real>(i), in = static_cast<Real>(axis.in), out = static_cast<Real>(axis.out);
    const Real scale = static_cast<Real>(axis.scale), resized = static_cast<Real>(axis.resized), half = Real(0.5);
    if (modes.coordinate == "align_corners") return resized <= 1 ? 0 : x * (in - 1) / (resized - 1);
    if (modes.coordinate == "asymmetric") return x / scale;
    if (modes.coordinate == "tf_half_pixel_for_nn") return (x + half) / scale;
    if (modes.coordinate == "pytorch_half_pixel" && axis.out == 1) return 0;
    if (modes.crops()) {
        const Real begin = static_cast<Real>(axis.roi_begin), end = static_cast<Real>(axis.roi_end);
        if (resized <= 1) return (begin + end) * (in - 1) / 2;
        return begin * (in - 1) + x * (end - begin) * (in - 1) / (resized - 1);
    }
    const Real centre = (x + half) / scale - half;
    if (modes.coordinate != "half_pixel_symmetric") return centre;
    return in / 2 * (1 - out / resized) + centre;
}

float rounded(const std::string &mode, float x) {
    if (mode == "floor") return std::floor(x);
    if (mode == "ceil") return std::ceil(x);
    return mode == "round_prefer_ceil" ? std::floor(x + 0.5f) : std::ceil(x - 0.5f);
}

// The filter at a distance, in input elements (wider where antialiasing stretches it).
double filter_at(const ResizeModes &modes, double distance) {
    const double x = std::abs(distance), a = modes.cubic_a;
    if (modes.filter == Filter::linear) return std::max(0.0, 1 - x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

double stretch_of(const ResizeModes &modes, const ResizeAxis &axis) {
    return modes.antialias ? std::min(1.0, axis.scale) : 1.0;
}

// Elements that the filter reaches to either side.
int64_t reach_of(const ResizeModes &modes, const ResizeAxis &axis) {
    const double radius = modes.filter == Filter::linear ? 1 : 2;
    return static_cast<int64_t>(std::ceil(radius / stretch_of(modes, axis)));
}

// Both lists, of `count` axes, spread over all; `fill` elsewhere.
std::vector<float> spread(std::span<const float> values, std::span<const int64_t> axes, size_t rank, float fill) {
    std::vector<float> all(rank, fill);
    for (size_t i = 0; i < axes.size(); ++i) all[static_cast<size_t>(axes[i])] = values[i];
    return all;
}

}  // namespace

Result<ResizeModes> read_resize_modes(const Node &node) {
    const bool modern = node.type == "Resize" && node.opset >= 11;
    ResizeModes modes;
    const std::string mode = node.string_or("mode", "nearest");
    if (mode == "linear" || mode == "bilinear") {
        modes.filter = Filter::linear;
    } else if (mode == "cubic") {
        modes.filter = Filter::cubic;
    } else if (mode != "nearest") {
        return Error(Code::unsupported, "attribute mode '" + mode + "'");
    }
    modes.coordinate = modern ? node.string_or("coordinate_transformation_mode", "half_pixel") : "asymmetric";
    modes.nearest = modern ? node.string_or("nearest_mode", "round_prefer_floor") : "floor";
    constexpr std::string_view coordinates[] = {"half_pixel",        "pytorch_half_pixel",   "align_corners",
                                                "asymmetric",        "tf_half_pixel_for_nn", "half_pixel_symmetric",
                                                "tf_crop_and_resize"};
    constexpr std::string_view roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    SAC_TRY(check_one_of("coordinate_transformation_mode", modes.coordinate, coordinates));
    SAC_TRY(check_one_of("nearest_mode", modes.nearest, roundings));
    modes.cubic_a = static_cast<double>(node.float_or("cubic_coeff_a", -0.75f));
    if (!(std::abs(modes.cubic_a) < 100)) return Error(Code::invalid_file, "attribute cubic_coeff_a is out of range");
    modes.extrapolation = node.float_or("extrapolation_value", 0);
    modes.antialias = node.int_or("antialias", 0) != 0 && modes.filter != Filter::nearest;
    modes.exclude_outside = node.int_or("exclude_outside", 0) != 0;
    return modes;
}

Result<std::vector<ResizeAxis>> read_resize_axes(const Node &node, const ResizeModes &modes, const Shape &x,
                                                 const ResizeInputs &inputs) {
    std::vector<int64_t> which = node.ints_or("axes", {});
    if (which.empty()) {
        for (size_t i = 0; i < x.size(); ++i) which.push_back(static_cast<int64_t>(i));
    }
    for (int64_t &axis : which) { SAC_ASSIGN(axis, host::normalize_axis(axis, x.size())); }
    std::vector<float> factors;
    const Attribute *attribute = node.find("scales");  // Upsample before opset 9
    if (const auto *list = attribute ? std::get_if<std::vector<float>>(attribute) : nullptr) factors = *list;
    if (inputs.scales) factors = inputs.scales->to_floats();
    const std::vector<int64_t> sizes = inputs.sizes && factors.empty() ? inputs.sizes->to_int64s() : Shape();
    if (factors.size() != which.size() && sizes.size() != which.size()) {
        return Error(Code::invalid_file, "neither scales nor sizes has a number for each axis of " + to_string(x));
    }
    const std::string policy = node.string_or("keep_aspect_ratio_policy", "stretch");
    constexpr std::string_view policies[] = {"stretch", "not_larger", "not_smaller"};
    SAC_TRY(check_one_of("keep_aspect_ratio_policy", policy, policies));

    std::vector<ResizeAxis> axes(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        axes[i].in = axes[i].out = x[i];
        axes[i].resized = static_cast<double>(x[i]);
    }
    double common = 0;  // of all axes, where the aspect ratio is kept
    for (size_t i = 0; i < sizes.size() && policy != "stretch"; ++i) {
        const double scale = static_cast<double>(sizes[i]) / static_cast<double>(x[static_cast<size_t>(which[i])]);
        common = i == 0 ? scale : policy == "not_larger" ? std::min(common, scale) : std::max(common, scale);
    }
    for (size_t i = 0; i < which.size(); ++i) {
        ResizeAxis &axis = axes[static_cast<size_t>(which[i])];
        const auto in = static_cast<double>(axis.in);
        double out = 0;
        if (!factors.empty()) {
            // The product in float, as other runtimes compute it: a scale of 11 / 7 makes 7 elements 11.
            axis.scale = static_cast<double>(factors[i]);
            axis.resized = static_cast<double>(static_cast<float>(axis.in) * factors[i]);
            out = std::floor(axis.resized);
        } else {
            axis.scale = policy == "stretch" ? static_cast<double>(sizes[i]) / in : common;
            out = policy == "stretch" ? static_cast<double>(sizes[i]) : std::floor(in * common + 0.5);
            axis.resized = out;
        }
        if (!(out >= 1 && out <= 1 << 20) || axis.in > 1 << 24) {
            return Error(Code::invalid_file, "axis " + std::to_string(which[i]) + " of " + to_string(x) + " becomes " +
                                                 std::to_string(out));
        }
        axis.out = static_cast<int64_t>(out);
    }
    if (modes.crops()) {
        if (!inputs.roi) return Error(Code::invalid_file, "has no region for tf_crop_and_resize");
        const std::vector<float> roi = inputs.roi->to_floats();
        if (roi.size() != 2 * which.size()) {
            return Error(Code::invalid_file, "a region of " + std::to_string(roi.size()) + " numbers");
        }
        const auto begins = spread(roi, which, x.size(), 0);
        const auto ends = spread(std::span(roi).subspan(which.size()), which, x.size(), 1);
        for (size_t i = 0; i < x.size(); ++i) {
            axes[i].roi_begin = begins[i];
            axes[i].roi_end = ends[i];
            if (!(std::abs(begins[i]) < 1e6f && std::abs(ends[i]) < 1e6f)) {
                return Error(Code::invalid_file,
                             "a region from " + std::to_string(begins[i]) + " to " + std::to_string(ends[i]));
            }
        }
    }
    for (size_t i = 0; i < x.size(); ++i) {
        ResizeAxis &axis = axes[i];
        // tf_half_pixel_for_nn moves even what keeps its size; nobody means batch and channels by that.
        axis.keeps = axis.in == axis.out && axis.scale == 1 && axis.roi_begin == 0 && axis.roi_end == 1 &&
                     (modes.coordinate != "tf_half_pixel_for_nn" || i < 2);
    }
    return axes;
}

int64_t resize_taps(const ResizeModes &modes, const ResizeAxis &axis) {
    return modes.filter == Filter::nearest ? 1 : 2 * reach_of(modes, axis);
}

void append_pairs(std::vector<float> &table, const ResizeModes &modes, const ResizeAxis &axis) {
    const float last = static_cast<float>(axis.in - 1);
    for (int64_t i = 0; i < axis.out; ++i) {
        if (axis.keeps) {
            table.insert(table.end(), {static_cast<float>(i), static_cast<float>(i), 0, 0});
        } else if (modes.filter == Filter::nearest) {
            const float at = std::clamp(rounded(modes.nearest, source_of<float>(modes, axis, i)), 0.0f, last);
            table.insert(table.end(), {at, at, 0, 0});
        } else {
            const double at = std::clamp(source_of<double>(modes, axis, i), 0.0, static_cast<double>(last));
            const double first = std::floor(at);
            const auto index = static_cast<float>(first);
            table.insert(table.end(), {index, std::min(index + 1, last), static_cast<float>(at - first), 0});
        }
    }
}

std::vector<float> taps_table(const ResizeModes &modes, const ResizeAxis &axis) {
    const int64_t taps = resize_taps(modes, axis), texels = 1 + (taps + 1) / 2, last = axis.in - 1;
    std::vector<float> table(static_cast<size_t>(4 * axis.out * texels), 0.0f);
    std::vector<double> weights(static_cast<size_t>(taps));
    for (int64_t i = 0; i < axis.out; ++i) {
        float *row = table.data() + 4 * i * texels;
        const double at = source_of<double>(modes, axis, i);
        if (modes.crops() && !(at >= 0 && at <= static_cast<double>(last))) {
            row[0] = modes.extrapolation;
            continue;
        }
        if (modes.filter == Filter::nearest) {
            const float nearest = rounded(modes.nearest, source_of<float>(modes, axis, i));
            row[4] = row[6] = std::clamp(nearest, 0.0f, static_cast<float>(last));
            row[5] = 1;
            continue;
        }
        const double stretch = stretch_of(modes, axis), floor = std::floor(at);
        double sum = 0;
        for (int64_t tap = 0; tap < taps; ++tap) {
            const double source = floor + static_cast<double>(1 - taps / 2 + tap);
            double &weight = weights[static_cast<size_t>(tap)];
            weight = filter_at(modes, (source - at) * stretch);
            if (modes.exclude_outside && (source < 0 || source > static_cast<double>(last))) weight = 0;
            sum += weight;
        }
        for (int64_t tap = 0; tap < taps; ++tap) {
            const double source = floor + static_cast<double>(1 - taps / 2 + tap);
            row[4 + 2 * tap] = static_cast<float>(std::clamp(source, 0.0, static_cast<double>(last)));
            // Where the region lies wholly outside, nothing is left to be made one.
            row[5 + 2 * tap] = sum == 0 ? 0 : static_cast<float>(weights[static_cast<size_t>(tap)] / sum);
        }
    }
    return table;
}

}  // namespace sac::ops

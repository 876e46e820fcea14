#pragma once
// What Resize and Upsample do along each axis: sizes, where an output element looks, and how much of each input it
// takes (https://onnx.ai/onnx/operators/onnx__Resize.html).

#include "compute/ops/op_common.h"

namespace sac::ops {

struct ResizeModes {
    enum class Filter : uint8_t { nearest, linear, cubic };
    Filter filter = Filter::nearest;
    std::string coordinate, nearest;  ///< coordinate_transformation_mode and nearest_mode, as ONNX names them
    double cubic_a = -0.75;
    float extrapolation = 0;  ///< tf_crop_and_resize, for what lies outside
    bool antialias = false, exclude_outside = false;

    bool crops() const { return coordinate == "tf_crop_and_resize"; }
};

/// Error: unsupported or invalid_file, without the node's name.
Result<ResizeModes> read_resize_modes(const Node &node);

struct ResizeAxis {
    int64_t in = 1, out = 1;
    double scale = 1;                  ///< as the node gives it, or out / in
    double resized = 1;                ///< the output's length before it was rounded down
    float roi_begin = 0, roi_end = 1;  ///< tf_crop_and_resize: the part of the input, of which 1 is the last element
    bool keeps = true;                 ///< y is x along this axis
};

/// What a node's inputs 1, 2 and 3 hold, null where one is left out or empty.
struct ResizeInputs {
    const HostTensor *roi = nullptr, *scales = nullptr, *sizes = nullptr;
};

/// Every axis of x. Error: unsupported or invalid_file, without the node's name.
Result<std::vector<ResizeAxis>> read_resize_axes(const Node &node, const ResizeModes &modes, const Shape &x,
                                                 const ResizeInputs &inputs);

/// How many elements of the input an output takes at most.
int64_t resize_taps(const ResizeModes &modes, const ResizeAxis &axis);

/// The table of resize2d.comp for an axis of one or two taps: a texel for each output: first source, second source, the
/// second's weight, 0.
void append_pairs(std::vector<float> &table, const ResizeModes &modes, const ResizeAxis &axis);

/// The table of resize_taps.comp: for each output a texel of (what is added, 0, 0, 0), then its taps, two a texel:
/// (source, weight, source, weight), the last of an odd number with a weight of 0.
std::vector<float> taps_table(const ResizeModes &modes, const ResizeAxis &axis);

}  // namespace sac::ops

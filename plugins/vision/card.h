#pragma once
// A model card: what a model folder's card.json says about the network beside it. The same card drives the ABI, the
// command line and the panel. assets/models/fastestdet/card.json is an example of every field.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/result.h"

namespace sac {

/// How a frame is brought to the network's size.
enum class Fit : uint32_t {
    stretch,    ///< both axes to the network's size, each with its own scale
    letterbox,  ///< the whole frame, aspect kept, centred, the rest filled with the pad colour
    crop,       ///< aspect kept, shorter side to `resize` (0: just covering), centred, what sticks out cut off
};

enum class Filter : uint32_t {
    bilinear,  ///< half-pixel centres, edges clamped, no antialiasing (OpenCV INTER_LINEAR)
    area,      ///< exact average of the covered area where an axis shrinks (OpenCV INTER_AREA), else bilinear
};

enum class ChannelOrder : uint32_t { rgb, bgr };
enum class TensorOrder : uint32_t { nchw, nhwc };

/// The network's image input. A channel's value v (0 to 255) becomes (v * scale - mean) / std.
struct CardInput {
    std::string name;  ///< of the graph input; its shape is [1,3,height,width] or [1,height,width,3]
    uint32_t width = 0, height = 0;
    Fit fit = Fit::stretch;
    uint32_t resize = 0;  ///< Fit::crop only: the shorter side before the cut (256 for a 224 crop); 0: no margin
    Filter filter = Filter::bilinear;
    ChannelOrder channels = ChannelOrder::rgb;  ///< the order the network wants
    TensorOrder layout = TensorOrder::nchw;
    float scale = 1;
    std::array<float, 3> mean = {}, std = {1, 1, 1};  ///< in the network's channel order
    std::array<uint8_t, 3> pad = {};                  ///< colour outside the frame: red, green, blue
};

enum class HeadType : uint32_t { fastestdet, anchor_free };

/// How four numbers of an anchor-free head make a box (g: cell column or row, s: stride).
enum class BoxEncoding : uint32_t {
    grid_offset,  ///< cx = (g + d) s, w = exp(d) s              (YOLOX)
    distance,     ///< x1 = (g + 1/2 - l) s, x2 = (g + 1/2 + r) s  (FCOS, NanoDet without distribution)
    absolute,     ///< cx, cy, w, h in input pixels              (YOLOv8 as exported)
};

struct CardHead {
    HeadType type = HeadType::fastestdet;
    /// Graph outputs: one with all levels one after another, or one for each stride. A cell has, in this order,
    /// fastestdet: objectness, 4 box numbers, classes; anchor_free: 4 box numbers, objectness if any, classes.
    std::vector<std::string> outputs;
    // anchor_free only:
    std::vector<uint32_t> strides;  ///< of the levels, e.g. 8, 16, 32
    BoxEncoding box = BoxEncoding::grid_offset;
    bool objectness = false;     ///< score = objectness * class, else class alone
    bool sigmoid = false;        ///< objectness and classes are logits: the head applies the sigmoid
    bool multi_label = false;    ///< every class of a cell above the score is a detection, not the best alone
    bool channels_last = false;  ///< [1,cells,channels] instead of [1,channels,cells] or [1,channels,h,w]
};

struct Card {
    std::string name;
    std::string task;  ///< "detect"
    std::string file = "model.onnx";
    CardInput input;
    CardHead head;
    std::vector<std::string> labels;
    float score_threshold = 0.5f;   ///< detections below are dropped; 0 to 1
    float nms_iou = 0.5f;           ///< a box that overlaps a better one by more is dropped; 0 to 1
    uint32_t max_detections = 100;  ///< the best of them are given; at most max_detections_limit
    bool class_aware = true;        ///< boxes suppress only boxes of their own class
    std::string licence, source;    ///< required: where the weights come from and on what terms
    std::string sha256;             ///< of `file`, lower-case hex; empty if not given
};

inline constexpr uint32_t max_detections_limit = 1024;

/// Gives the bytes of a file in the model's folder, by its name there.
using ReadFile = std::function<Result<std::string>(const std::string &name)>;

/// Reads a card from its text. `source` names it in errors ("models/fastestdet/card.json"); `read` fetches the label
/// file if `labels` is a file name (one label a line). Errors name file, field and what was expected: invalid_file for
/// a missing, wrong or unknown field, unsupported for a head type that is not implemented. [thread] any.
Result<Card> parse_card(std::string_view text, const std::string &source, const ReadFile &read);

/// Reads <folder>/card.json. Files named in it must lie in the folder, symbolic links followed. [thread] any.
Result<Card> load_card(const std::string &folder);

/// True if `name` is a relative path that, by its text, stays below the folder it is relative to.
bool stays_inside(std::string_view name);

}  // namespace sac

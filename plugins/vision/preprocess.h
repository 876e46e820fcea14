#pragma once
// From a frame to the network's input tensor in one dispatch: colour conversion, rotation, mirror, fit, filter, channel
// order, normalisation and layout (shaders/image/preprocess.comp).

#include <array>
#include <optional>

#include "compute/session.h"
#include "plugins/vision/bound_kernel.h"
#include "plugins/vision/card.h"

namespace sac {

/// How pixels lie in memory. The C ABI's sac_pixel_format has the same values.
enum class PixelFormat : uint32_t {
    rgb = 1,   ///< 3 bytes a pixel
    rgba = 2,  ///< 4 bytes, the last ignored
    bgra = 3,
    nv12 = 4,  ///< plane 0: Y; plane 1: U and V in turn, half width and height (rounded up)
    i420 = 5,  ///< planes Y, U, V; U and V of half width and height (rounded up)
    yuyv = 6,  ///< Y0 U Y1 V for two pixels (an odd width has a whole last group)
};

/// How YUV formats are coded; the C ABI's SAC_COLOR_... has the same values. Limited range: Y 16 to 235, chroma 16 to
/// 240. A pixel's chroma is that of the sample that covers it, without interpolation, as in OpenCV's cvtColor. Y, U and
/// V are filtered; the red, green and blue of the result are clamped to 0..255 and not rounded.
enum class YuvColor : uint32_t { bt601_limited = 0, bt601_full = 1, bt709_limited = 2, bt709_full = 3 };

/// A picture as it lies in a buffer.
struct FrameLayout {
    PixelFormat format = PixelFormat::rgba;
    uint32_t width = 0, height = 0;  ///< stored size, 1 to max_frame_size
    /// Degrees (0, 90, 180, 270) by which the stored picture must be turned clockwise to stand upright, then whether it
    /// is flipped left to right. The network sees the upright picture; boxes come back in stored pixels.
    uint32_t rotation = 0;
    bool mirror = false;
    YuvColor color = YuvColor::bt601_limited;
    std::array<uint64_t, 3> plane_offset = {};  ///< bytes from the start of the range bound
    std::array<uint32_t, 3> stride = {};        ///< bytes from row to row; any value that holds a row

    uint32_t plane_count() const;
    uint64_t row_bytes(uint32_t plane) const;  ///< bytes used of a row: the least stride
    uint32_t rows(uint32_t plane) const;
    /// Offsets and strides of planes packed one after another without padding.
    static FrameLayout tight(PixelFormat format, uint32_t width, uint32_t height);
    /// Bytes from the start of the range to the end of the last row. Error invalid_argument names the field.
    Result<uint64_t> required_bytes() const;
};

inline constexpr uint32_t max_frame_size = 16384;

/// Where a frame is: a range of a storage buffer (usage tensor_usage), or an image.
struct FrameSource {
    FrameLayout layout;  ///< of an image: width, height, rotation and mirror alone
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0, size = 0;   ///< multiples of 16 and of the device's storage and texel buffer alignments
    VkImageView image = VK_NULL_HANDLE;  ///< 2D colour view with usage SAMPLED; UNORM, SRGB or float format
    VkImageLayout image_layout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    /// The view's format is SRGB: the device gives linear light, which is turned back into the stored values.
    bool image_srgb = false;
};

/// Affine map from network-input pixels to stored frame pixels, continuous coordinates (a pixel's centre lies at +1/2):
///   x' = m[0] x + m[1] y + m[2],  y' = m[3] x + m[4] y + m[5]
struct PreprocessTransform {
    std::array<float, 6> m = {1, 0, 0, 0, 1, 0};
};

/// Where the upright frame lies in the network's input: `width` x `height` pixels with its corner at (x, y), which may
/// be outside.
struct FitRect {
    int32_t x = 0, y = 0;
    uint32_t width = 0, height = 0;
};

/// Error unsupported for an aspect ratio so extreme that crop would enlarge the frame beyond what can be addressed.
Result<FitRect> fit_rect(const CardInput &input, uint32_t upright_width, uint32_t upright_height);
PreprocessTransform transform_of(const FitRect &rect, const FrameLayout &frame);

/// The preprocessing of one network. [thread] one at a time. Destroy only after the device's last use.
class Preprocess {
public:
    /// `tensor` is the session's input (f32 or f16; dense, or c4 where the card says NCHW); its shape must be the
    /// card's. `slots`: how many frames may be recorded or pending at once; a slot is used again when its submission is
    /// done.
    static Result<Preprocess> create(vk::Memory &memory, KernelTable &kernels, const CardInput &input,
                                     const TensorInfo &tensor, uint32_t slots);
    Preprocess(Preprocess &&) noexcept;
    Preprocess &operator=(Preprocess &&) noexcept;
    ~Preprocess();

    /// Frames of one kind (a number below `kinds`) share a kernel. Frame and device decide it, the network does not.
    /// [thread] any
    static constexpr uint32_t kinds = 10;
    uint32_t kind_of(const FrameSource &source) const;

    /// Builds the pipeline for frames of that kind and dispatches it once, waiting (some drivers compile only then).
    /// The one use of the kernel table after create. Writes to the tensor: for loading, while nothing that uses it is
    /// pending.
    Status warm_up(uint32_t kind);
    bool warm(uint32_t kind) const;  ///< warm_up has been there. [thread] any

    /// Records the dispatch, with a barrier before it against earlier readers of the tensor. The caller makes the frame
    /// visible to compute shader reads; Session::record waits for the tensor. Heap and driver objects are touched only
    /// when a slot meets another buffer, range or view than it had before. Errors: invalid_argument names the field;
    /// invalid_state if frames of this kind were not warmed up for; unsupported where a frame is too large for the
    /// device or for the area filter's bound of samples a pixel.
    Result<PreprocessTransform> record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source);
    /// All of record that may fail, without recording: record with the same arguments then succeeds. For
    /// frames of a kind that is warm.
    Status bind(uint32_t slot, const FrameSource &source);

    /// To be called before a buffer that was recorded is destroyed: another may come to have its handle.
    void forget(VkBuffer buffer);

private:
    struct State;
    explicit Preprocess(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sac

#include "plugins/vision/preprocess.h"

#include <algorithm>
#include <cmath>

#include "compute/base/format.h"

namespace sac {
namespace {

// llvmpipe ends all loops of an invocation silently after 65,535 iterations.
constexpr uint64_t max_iterations = 60000;
constexpr uint32_t pixels_per_invocation = 4, local_size = 64;

bool is_yuv(PixelFormat format) { return format >= PixelFormat::nv12; }
uint32_t packed_step(PixelFormat format) { return format == PixelFormat::rgb ? 3 : 4; }

Error bad_frame(std::string text) { return Error(Code::invalid_argument, "frame: " + std::move(text)); }

Status check_size(const FrameLayout &frame) {
    if (frame.width < 1 || frame.width > max_frame_size || frame.height < 1 || frame.height > max_frame_size)
        return bad_frame(
            format("width and height must be 1 to %u, not %u x %u", max_frame_size, frame.width, frame.height));
    if (frame.rotation % 90 != 0 || frame.rotation > 270)
        return bad_frame(format("rotation must be 0, 90, 180 or 270, not %u", frame.rotation));
    return {};
}

bool sideways(const FrameLayout &frame) { return frame.rotation == 90 || frame.rotation == 270; }
uint32_t upright_width(const FrameLayout &frame) { return sideways(frame) ? frame.height : frame.width; }
uint32_t upright_height(const FrameLayout &frame) { return sideways(frame) ? frame.width : frame.height; }

// From upright to stored pixels: first x and y run backwards where told, then they change places where told. The
// picture is mirrored after it is turned, so on the way back the mirror comes first.
struct Turn {
    bool swap, flip_x, flip_y;
};
Turn turn_of(const FrameLayout &frame) {
    const bool flip_x = frame.rotation == 90 || frame.rotation == 180;
    return {sideways(frame), flip_x != frame.mirror, frame.rotation == 180 || frame.rotation == 270};
}

}  // namespace

uint32_t FrameLayout::plane_count() const {
    return format == PixelFormat::i420 ? 3 : format == PixelFormat::nv12 ? 2 : 1;
}

uint64_t FrameLayout::row_bytes(uint32_t plane) const {
    const uint64_t pairs = (uint64_t(width) + 1) / 2;
    switch (format) {
        case PixelFormat::nv12: return plane == 0 ? width : 2 * pairs;
        case PixelFormat::i420: return plane == 0 ? width : pairs;
        case PixelFormat::yuyv: return 4 * pairs;
        default: return uint64_t(width) * packed_step(format);
    }
}

uint32_t FrameLayout::rows(uint32_t plane) const { return plane == 0 ? height : (height + 1) / 2; }

FrameLayout FrameLayout::tight(PixelFormat format, uint32_t width, uint32_t height) {
    FrameLayout frame;
    frame.format = format;
    frame.width = width;
    frame.height = height;
    uint64_t offset = 0;
    for (uint32_t plane = 0; plane < frame.plane_count(); ++plane) {
        frame.plane_offset[plane] = offset;
        frame.stride[plane] = static_cast<uint32_t>(frame.row_bytes(plane));
        offset += frame.row_bytes(plane) * frame.rows(plane);
    }
    return frame;
}

Result<uint64_t> FrameLayout::required_bytes() const {
    if (format < PixelFormat::rgb || format > PixelFormat::yuyv)
        return bad_frame(sac::format("unknown pixel format %u", static_cast<uint32_t>(format)));
    if (color > YuvColor::bt709_full)
        return bad_frame(sac::format("unknown colour coding %u", static_cast<uint32_t>(color)));
    SAC_TRY(check_size(*this));
    uint64_t end = 0;
    for (uint32_t plane = 0; plane < plane_count(); ++plane) {
        if (stride[plane] < row_bytes(plane))
            return bad_frame(sac::format("the stride of plane %u is %u bytes, a row of %u pixels takes %llu", plane,
                                         stride[plane], width, static_cast<unsigned long long>(row_bytes(plane))));
        if (plane_offset[plane] > UINT32_MAX) return bad_frame(sac::format("plane %u begins beyond 4 GiB", plane));
        end = std::max(end, plane_offset[plane] + uint64_t(stride[plane]) * (rows(plane) - 1) + row_bytes(plane));
    }
    if (end > UINT32_MAX) return bad_frame("it takes more than 4 GiB");
    return end;
}

Result<FitRect> fit_rect(const CardInput &input, uint32_t upright_w, uint32_t upright_h) {
    const uint64_t w = upright_w, h = upright_h, to_w = input.width, to_h = input.height;
    uint64_t fit_w = to_w, fit_h = to_h;
    const bool wider = w * to_h >= h * to_w;  // than the network's input
    const auto scaled = [](uint64_t a, uint64_t b, uint64_t c) {
        return std::max<uint64_t>((2 * a * b + c) / (2 * c), 1);
    };
    switch (input.fit) {
        case Fit::stretch: break;
        case Fit::letterbox:
            if (wider)
                fit_h = std::min(scaled(h, to_w, w), to_h);
            else
                fit_w = std::min(scaled(w, to_h, h), to_w);
            break;
        case Fit::crop:
            if (input.resize != 0) {
                fit_w = w <= h ? input.resize : w * input.resize / h;
                fit_h = w <= h ? h * input.resize / w : input.resize;
            } else if (wider) {
                fit_w = std::max(scaled(w, to_h, h), to_w);
            } else {
                fit_h = std::max(scaled(h, to_w, w), to_h);
            }
            break;
    }
    // Positions in the kernel are integers in units of 1 / (2 fit size).
    const auto fits = [](uint64_t fit, uint64_t picture) {
        return (2 * fit + 1) * picture + 2 * fit + 2 * std::max(fit, picture) < uint64_t(1) << 31;
    };
    if (!fits(fit_w, w) || !fits(fit_h, h))
        return Error(Code::unsupported, format("frame: %u x %u is too long and narrow to be cropped to %u x %u",
                                               upright_w, upright_h, input.width, input.height));
    const auto corner = [](uint64_t to, uint64_t fit) {
        return to >= fit ? static_cast<int32_t>((to - fit) / 2) : -static_cast<int32_t>((fit - to) / 2);
    };
    return FitRect{corner(to_w, fit_w), corner(to_h, fit_h), static_cast<uint32_t>(fit_w),
                   static_cast<uint32_t>(fit_h)};
}

PreprocessTransform transform_of(const FitRect &rect, const FrameLayout &frame) {
    const double w = upright_width(frame), h = upright_height(frame);
    // Rows x and y of the map to upright pixels, then flipped and swapped as the kernel does.
    std::array<double, 3> x = {w / rect.width, 0, -rect.x * w / rect.width};
    std::array<double, 3> y = {0, h / rect.height, -rect.y * h / rect.height};
    const Turn turn = turn_of(frame);
    if (turn.flip_x) x = {-x[0], -x[1], w - x[2]};
    if (turn.flip_y) y = {-y[0], -y[1], h - y[2]};
    if (turn.swap) std::swap(x, y);
    PreprocessTransform transform;
    for (size_t i = 0; i < 3; ++i) {
        transform.m[i] = static_cast<float>(x[i]);
        transform.m[3 + i] = static_cast<float>(y[i]);
    }
    return transform;
}

namespace {

// How many picture pixels a box meets at most: `half` in units of 1 / (2 fit) pixel, as in the kernel.
uint32_t samples(uint32_t picture, uint32_t fit, uint32_t half) {
    const uint64_t unit = 2 * uint64_t(fit), size = 2 * uint64_t(half);
    if (picture % fit != 0) return static_cast<uint32_t>((size + unit - 1) / unit + 1);
    const uint64_t start = (picture + unit - half) % unit;  // the same for all
    return static_cast<uint32_t>((start + size + unit - 1) / unit);
}

// What the image kernels are warmed up on.
struct OnePixelImage {
    vk::Device &device;
    vk::Memory &memory;
    VkImage image = VK_NULL_HANDLE;
    vk::Allocation allocation;
    VkImageView view = VK_NULL_HANDLE;

    static Result<OnePixelImage> create(vk::Device &device, vk::Memory &memory);
    OnePixelImage(vk::Device &d, vk::Memory &m) : device(d), memory(m) {}
    OnePixelImage(OnePixelImage &&other) noexcept
        : device(other.device),
          memory(other.memory),
          image(std::exchange(other.image, VK_NULL_HANDLE)),
          allocation(std::exchange(other.allocation, {})),
          view(std::exchange(other.view, VK_NULL_HANDLE)) {}
    ~OnePixelImage() {
        device.fn().DestroyImageView(device.handle(), view, nullptr);
        device.fn().DestroyImage(device.handle(), image, nullptr);
        if (allocation.memory) memory.free(allocation);
    }
};

Result<OnePixelImage> OnePixelImage::create(vk::Device &device, vk::Memory &memory) {
    const vk::DeviceFunctions &fn = device.fn();
    const char *const what = "making an image to warm up on";
    OnePixelImage one(device, memory);
    VkImageCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = VK_FORMAT_R8G8B8A8_UNORM;
    info.extent = {1, 1, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = VK_IMAGE_USAGE_SAMPLED_BIT;
    SAC_VK(fn.CreateImage(device.handle(), &info, nullptr, &one.image), what);
    VkMemoryRequirements requirements;
    fn.GetImageMemoryRequirements(device.handle(), one.image, &requirements);
    SAC_ASSIGN(one.allocation, memory.allocate(requirements, vk::MemoryUse::device, "warm-up image"));
    SAC_VK(fn.BindImageMemory(device.handle(), one.image, one.allocation.memory, one.allocation.offset), what);
    VkImageViewCreateInfo view = {};
    view.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
    view.image = one.image;
    view.viewType = VK_IMAGE_VIEW_TYPE_2D;
    view.format = info.format;
    view.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    SAC_VK(fn.CreateImageView(device.handle(), &view, nullptr, &one.view), what);

    VkImageMemoryBarrier readable = {};
    readable.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
    readable.dstAccessMask = VK_ACCESS_SHADER_READ_BIT;
    readable.newLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
    readable.srcQueueFamilyIndex = readable.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    readable.image = one.image;
    readable.subresourceRange = view.subresourceRange;
    SAC_TRY(vk::run_once(
        device,
        [&](VkCommandBuffer commands) -> Status {
            fn.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0,
                                  0, nullptr, 0, nullptr, 1, &readable);
            return {};
        },
        what));
    return one;
}

}  // namespace

struct Preprocess::State {
    enum Kind : size_t { packed, packed4, yuv, image, image_srgb, kinds };

    // A kernel and what its sets are bound to; set `slots` is the warm-up's.
    struct Variant {
        struct Bound {
            VkBuffer buffer = VK_NULL_HANDLE;
            VkDeviceSize offset = 0, size = 0;
            VkBufferView texels = VK_NULL_HANDLE;
        };
        std::optional<BoundKernel> kernel;
        std::vector<Bound> bound;
    };

    vk::Device &device;
    vk::Memory &memory;
    KernelTable &kernels;
    CardInput input;
    TensorInfo tensor;
    uint32_t slots;
    VkSampler sampler = VK_NULL_HANDLE;
    std::array<std::array<Variant, 2>, kinds> variants;  // by kind and by whether through texels

    State(vk::Memory &m, KernelTable &k, const CardInput &i, const TensorInfo &t, uint32_t s)
        : device(k.device()), memory(m), kernels(k), input(i), tensor(t), slots(s) {}
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() {
        for (auto &kind : variants)
            for (Variant &variant : kind)
                for (const Variant::Bound &b : variant.bound)
                    device.fn().DestroyBufferView(device.handle(), b.texels, nullptr);
        device.fn().DestroySampler(device.handle(), sampler, nullptr);
    }

    Result<Variant *> variant(Kind kind, bool texels);
    Result<Variant *> choose(const FrameSource &source);
    Status bind(Variant &variant, uint32_t set, const FrameSource &source);
    Result<PreprocessTransform> record(VkCommandBuffer commands, uint32_t set, Variant &variant,
                                       const FrameSource &source);
    Status warm_up(Variant &variant, FrameSource source);
    void forget(VkBuffer buffer);
};

namespace {

std::string kernel_name(size_t kind, bool texels, bool half) {
    static const char *const names[] = {"packed", "packed4", "yuv", "image", "image_srgb"};
    return format("preprocess_%s%s%s", names[kind], texels ? "_texel" : "", half ? "_f16" : "");
}

}  // namespace

Result<Preprocess::State::Variant *> Preprocess::State::variant(Kind kind, bool texels) {
    Variant &wanted = variants[kind][texels];
    if (wanted.kernel) return &wanted;
    const std::string name = kernel_name(kind, texels, tensor.storage == DType::f16);
    SAC_ASSIGN(wanted.kernel, BoundKernel::create(kernels, name.c_str(), slots + 1));
    wanted.bound.resize(slots + 1);
    for (uint32_t set = 0; set <= slots; ++set)
        wanted.kernel->bind_buffer(set, 1, tensor.buffer, tensor.offset, tensor.bytes);
    return &wanted;
}

Result<Preprocess::State::Variant *> Preprocess::State::choose(const FrameSource &source) {
    if (source.image != VK_NULL_HANDLE) {
        SAC_TRY(check_size(source.layout));
        return variant(source.image_srgb ? image_srgb : image, false);
    }
    const FrameLayout &frame = source.layout;
    SAC_ASSIGN(const uint64_t bytes, frame.required_bytes());
    if (source.size < bytes || source.size % 4 != 0)
        return bad_frame(format("its planes take %llu bytes, the range has %llu (which must be a multiple of 4)",
                                static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(source.size)));
    Kind kind = is_yuv(frame.format) ? yuv : packed;
    if (kind == packed && packed_step(frame.format) == 4 && frame.stride[0] % 4 == 0 && frame.plane_offset[0] % 4 == 0)
        kind = packed4;
    const VkPhysicalDeviceLimits &limits = device.caps().limits;
    const bool texels = source.size / 4 <= limits.maxTexelBufferElements &&
                        kernels.available(kernel_name(kind, true, tensor.storage == DType::f16));
    if (!texels && source.size > limits.maxStorageBufferRange)
        return Error(Code::unsupported,
                     format("frame: it takes %llu bytes, the device reads at most %u at once",
                            static_cast<unsigned long long>(source.size), limits.maxStorageBufferRange));
    return variant(kind, texels);
}

Status Preprocess::State::bind(Variant &variant, uint32_t set, const FrameSource &source) {
    if (source.image != VK_NULL_HANDLE) {
        // A view may be another one at the same address, so it is bound anew every time.
        variant.kernel->bind_image(set, 0, sampler, source.image, source.image_layout);
        return {};
    }
    Variant::Bound &bound = variant.bound[set];
    if (bound.buffer == source.buffer && bound.offset == source.offset && bound.size == source.size) return {};
    if (variant.kernel->kind(0) == vk::BindingKind::storage_texel_buffer) {
        VkBufferViewCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO;
        info.buffer = source.buffer;
        info.format = VK_FORMAT_R32_UINT;
        info.offset = source.offset;
        info.range = source.size;
        VkBufferView view = VK_NULL_HANDLE;
        SAC_VK(device.fn().CreateBufferView(device.handle(), &info, nullptr, &view), "viewing a frame's words");
        device.fn().DestroyBufferView(device.handle(), bound.texels, nullptr);
        bound.texels = view;
        variant.kernel->bind_texels(set, 0, view);
    } else {
        variant.kernel->bind_buffer(set, 0, source.buffer, source.offset, source.size);
    }
    bound.buffer = source.buffer;
    bound.offset = source.offset;
    bound.size = source.size;
    return {};
}

Result<PreprocessTransform> Preprocess::State::record(VkCommandBuffer commands, uint32_t set, Variant &variant,
                                                      const FrameSource &source) {
    const FrameLayout &frame = source.layout;
    const uint32_t picture_w = upright_width(frame), picture_h = upright_height(frame);
    SAC_ASSIGN(const FitRect rect, fit_rect(input, picture_w, picture_h));

    const bool area = input.filter == Filter::area;
    const uint32_t half_x = area ? std::max(picture_w, rect.width) : rect.width;
    const uint32_t half_y = area ? std::max(picture_h, rect.height) : rect.height;
    const uint32_t columns = samples(picture_w, rect.width, half_x), rows = samples(picture_h, rect.height, half_y);
    if (pixels_per_invocation * (1 + uint64_t(rows) * (1 + columns)) > max_iterations)
        return Error(Code::unsupported, format("frame: %u x %u is too large to be averaged to %u x %u", picture_w,
                                               picture_h, rect.width, rect.height));
    SAC_TRY(bind(variant, set, source));

    const Turn turn = turn_of(frame);
    const bool yuv_frame = source.image == VK_NULL_HANDLE && is_yuv(frame.format);
    std::array<uint32_t, 3> offset, stride = frame.stride;
    for (size_t i = 0; i < 3; ++i) offset[i] = static_cast<uint32_t>(frame.plane_offset[i]);
    uint32_t luma_step = packed_step(frame.format), chroma_step = 0, chroma_shift = 0;
    switch (frame.format) {  // all YUV formats are a luma plane and two chroma planes of some steps
        case PixelFormat::nv12:
            luma_step = 1, chroma_step = 2, chroma_shift = 1;
            offset[2] = offset[1] + 1, stride[2] = stride[1];
            break;
        case PixelFormat::i420: luma_step = 1, chroma_step = 1, chroma_shift = 1; break;
        case PixelFormat::yuyv:
            luma_step = 2, chroma_step = 4, chroma_shift = 0;
            offset[1] = offset[0] + 1, offset[2] = offset[0] + 3;
            stride[1] = stride[2] = stride[0];
            break;
        default: break;
    }
    const uint32_t pixels = input.width * input.height;
    uint32_t layout = 0;  // as in the kernel
    if (tensor.layout == Layout::c4)
        layout = 2;
    else if (input.layout == TensorOrder::nhwc)
        layout = 1;
    else if (pixels % 4 != 0)
        layout = 3;
    const uint32_t color = yuv_frame ? static_cast<uint32_t>(frame.color) : frame.format == PixelFormat::bgra;
    const auto multiply = [&](size_t i) { return std::bit_cast<uint32_t>(input.scale / input.std[i]); };
    const auto add = [&](size_t i) { return std::bit_cast<uint32_t>(-input.mean[i] / input.std[i]); };

    std::array<uint32_t, 31> push = {
        0,
        input.width,
        input.height,
        static_cast<uint32_t>(rect.x),
        static_cast<uint32_t>(rect.y),
        rect.width,
        rect.height,
        picture_w,
        picture_h,
        half_x,
        half_y,
        columns,
        rows,
        uint32_t(turn.swap) | turn.flip_x * 2u | turn.flip_y * 4u,
        static_cast<uint32_t>(source.size / 4) - 1,
        offset[0],
        offset[1],
        offset[2],
        stride[0],
        stride[1],
        stride[2],
        luma_step | chroma_step << 8 | chroma_shift << 16,
        color,
        layout | (input.channels == ChannelOrder::bgr ? 4u : 0u),
        uint32_t(input.pad[0]) | uint32_t(input.pad[1]) << 8 | uint32_t(input.pad[2]) << 16,
        multiply(0),
        multiply(1),
        multiply(2),
        add(0),
        add(1),
        add(2)};

    const uint32_t elements = layout == 3 ? 3 * pixels : pixels;
    const uint32_t invocations = (elements + pixels_per_invocation - 1) / pixels_per_invocation;
    compute_barrier(device, commands);
    const vk::ScopedLabel label(device, commands, "preprocess");
    variant.kernel->record(commands, set, push, (invocations + local_size - 1) / local_size);
    return transform_of(rect, frame);
}

Status Preprocess::State::warm_up(Variant &variant, FrameSource source) {
    return vk::run_once(
        device,
        [&](VkCommandBuffer commands) -> Status {
            SAC_TRY(record(commands, slots, variant, source));
            return {};
        },
        "warming up preprocessing");
}

void Preprocess::State::forget(VkBuffer buffer) {
    for (auto &kind : variants)
        for (Variant &variant : kind)
            for (Variant::Bound &bound : variant.bound)
                if (bound.buffer == buffer) {
                    device.fn().DestroyBufferView(device.handle(), bound.texels, nullptr);
                    bound = {};
                }
}

Result<Preprocess> Preprocess::create(vk::Memory &memory, KernelTable &kernels, const CardInput &input,
                                      const TensorInfo &tensor, uint32_t slots) {
    const Shape nchw = {1, 3, input.height, input.width}, nhwc = {1, input.height, input.width, 3};
    const Shape &wanted = input.layout == TensorOrder::nchw ? nchw : nhwc;
    if (tensor.shape != wanted)
        return Error(Code::invalid_file,
                     format("input: the card says %s, the network's '%s' is %s", to_string(wanted).c_str(),
                            tensor.name.c_str(), to_string(tensor.shape).c_str()));
    const bool layout_ok = tensor.layout == Layout::dense || input.layout == TensorOrder::nchw;
    if (!layout_ok || (tensor.storage != DType::f32 && tensor.storage != DType::f16))
        return Error(Code::unsupported, format("input: '%s' lies in memory as %s %s", tensor.name.c_str(),
                                               name_of(tensor.layout), name_of(tensor.storage)));
    Preprocess preprocess(std::make_unique<State>(memory, kernels, input, tensor, slots));
    VkSamplerCreateInfo sampler = {};
    sampler.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO;
    State &state = *preprocess.state_;
    SAC_VK(state.device.fn().CreateSampler(state.device.handle(), &sampler, nullptr, &state.sampler),
           "creating the frame's sampler");
    return preprocess;
}

Preprocess::Preprocess(std::unique_ptr<State> state) : state_(std::move(state)) {}
Preprocess::Preprocess(Preprocess &&) noexcept = default;
Preprocess &Preprocess::operator=(Preprocess &&) noexcept = default;
Preprocess::~Preprocess() = default;

Status Preprocess::warm_up(PixelFormat format) {
    // The kernel is chosen by a whole frame and dispatched on one pixel.
    FrameSource source;
    source.layout = FrameLayout::tight(format, 1920, 1080);
    SAC_ASSIGN(const uint64_t bytes, source.layout.required_bytes());
    source.size = (bytes + 15) / 16 * 16;
    SAC_ASSIGN(State::Variant * variant, state_->choose(source));
    SAC_ASSIGN(const vk::Buffer buffer, vk::Buffer::create(state_->device, state_->memory, 16, vk::tensor_usage,
                                                           vk::MemoryUse::device, "warm-up frame"));
    source.layout = FrameLayout::tight(format, 1, 1);
    source.buffer = buffer.handle();
    source.size = buffer.size();
    const Status status = state_->warm_up(*variant, source);
    state_->forget(buffer.handle());
    return status;
}

Status Preprocess::warm_up_image(bool srgb) {
    FrameSource source;
    source.layout.width = source.layout.height = 1;
    SAC_ASSIGN(const OnePixelImage pixel, OnePixelImage::create(state_->device, state_->memory));
    source.image = pixel.view;
    source.image_srgb = srgb;
    SAC_ASSIGN(State::Variant * variant, state_->choose(source));
    return state_->warm_up(*variant, source);
}

Result<PreprocessTransform> Preprocess::record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source) {
    SAC_ASSIGN(State::Variant * variant, state_->choose(source));
    return state_->record(commands, slot, *variant, source);
}

void Preprocess::forget(VkBuffer buffer) { state_->forget(buffer); }

}  // namespace sac

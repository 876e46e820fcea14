#include "plugins/vision/preprocess.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "compute/base/format.h"
#include "plugins/vision/preprocess_layout.h"

namespace sac {
namespace {

// llvmpipe ends all loops of an invocation silently after 65,535 iterations.
constexpr uint64_t max_iterations = 60000;
constexpr uint32_t local_size = 128;  // of the kernel

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
        if (allocation.memory) memory.free(allocation);  // NOLINT(clang-analyzer-unix.Malloc): not that free
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
    // Whole pages of the granularity keep it apart from buffers in the same block, as those of vk::GpuImage.
    const VkDeviceSize page = std::max<VkDeviceSize>(device.caps().limits.bufferImageGranularity, 1);
    requirements.alignment = std::max(requirements.alignment, page);
    requirements.size = (requirements.size + page - 1) / page * page;
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
    enum Pixels : uint32_t { packed, packed4, yuv, image, image_srgb };
    static_assert(2 * (image_srgb + 1) == kinds);

    // A kernel and what its sets are bound to; set `slots` is the warm-up's.
    struct Variant {
        struct Bound {
            VkBuffer buffer = VK_NULL_HANDLE;
            VkDeviceSize offset = 0, size = 0;
        };
        std::optional<BoundKernel> kernel;
        std::vector<Bound> bound;
    };
    // The boxes that are averaged, see samples().
    struct Fit {
        FitRect rect;
        uint32_t half_x = 0, half_y = 0, columns = 0, rows = 0;
    };

    vk::Device &device;
    vk::Memory &memory;
    KernelTable &kernels;
    CardInput input;
    TensorInfo tensor;
    uint32_t slots;
    VkSampler sampler = VK_NULL_HANDLE;
    std::array<Variant, kinds> variants;  // by twice the pixels, plus one if through texels
    std::array<bool, kinds / 2> has_texels = {};
    std::atomic<uint32_t> warm = 0;  // a bit for each kind

    State(vk::Memory &m, KernelTable &k, const CardInput &i, const TensorInfo &t, uint32_t s)
        : device(k.device()), memory(m), kernels(k), input(i), tensor(t), slots(s) {}
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() { device.fn().DestroySampler(device.handle(), sampler, nullptr); }

    std::string kernel_name(uint32_t pixels, bool texels) const;
    bool through_texels(uint32_t kind) const { return has_texels[kind / 2] && kind % 2 == 0; }
    Variant &variant_of(uint32_t kind) { return variants[kind / 2 * 2 + through_texels(kind)]; }
    uint32_t kind_of(const FrameSource &source) const;
    Status build(uint32_t kind);
    Status check(const FrameSource &source) const;
    Result<Fit> fit(const FrameLayout &frame) const;
    Status bind(Variant &variant, uint32_t set, const FrameSource &source);
    Result<PreprocessTransform> record(VkCommandBuffer commands, uint32_t set, Variant &variant,
                                       const FrameSource &source);
    Status warm_up(uint32_t kind, const FrameSource &source);
    void forget(VkBuffer buffer);
};

namespace {

// The kernel's flags.
namespace flag {
constexpr uint32_t backwards_x = 1, backwards_y = 2, sideways = 4, shift_x = 8, shift_y = 16, full_range = 32,
                   bt709 = 64, frame_bgr = 128, network_bgr = 256, nhwc = 512, odd_planes = 1024;
}

// How a frame's pixels lie: bytes along the upright picture's columns and rows. All YUV formats are a luma plane and
// two chroma planes of some steps.
struct Steps {
    std::array<uint32_t, 3> offset = {};
    std::array<uint32_t, 2> luma = {}, u = {}, v = {};
    uint32_t flags = 0;
};

Steps steps_of(const FrameLayout &frame, const Turn &turn) {
    Steps steps;
    std::array<uint32_t, 3> stride = frame.stride;
    for (size_t i = 0; i < 3; ++i) steps.offset[i] = static_cast<uint32_t>(frame.plane_offset[i]);
    uint32_t luma = packed_step(frame.format), chroma = 0;
    bool half_rows = true;
    switch (frame.format) {
        case PixelFormat::nv12:
            luma = 1, chroma = 2;
            steps.offset[2] = steps.offset[1] + 1, stride[2] = stride[1];
            break;
        case PixelFormat::i420: luma = chroma = 1; break;
        case PixelFormat::yuyv:
            luma = 2, chroma = 4, half_rows = false;
            steps.offset[1] = steps.offset[0] + 1, steps.offset[2] = steps.offset[0] + 3;
            stride[1] = stride[2] = stride[0];
            break;
        case PixelFormat::bgra: steps.flags |= flag::frame_bgr; break;
        default: break;
    }
    const size_t x = turn.swap ? 1 : 0, y = 1 - x;  // the upright axis along which stored x and y run
    steps.luma[x] = luma, steps.luma[y] = stride[0];
    steps.u[x] = steps.v[x] = chroma, steps.u[y] = stride[1], steps.v[y] = stride[2];
    if (is_yuv(frame.format)) {
        steps.flags |= x == 0 ? flag::shift_x : flag::shift_y;
        if (half_rows) steps.flags |= y == 0 ? flag::shift_x : flag::shift_y;
        const bool full = frame.color == YuvColor::bt601_full || frame.color == YuvColor::bt709_full;
        steps.flags |= full ? flag::full_range : 0;
        steps.flags |= frame.color >= YuvColor::bt709_limited ? flag::bt709 : 0;
    }
    return steps;
}

}  // namespace

std::string Preprocess::State::kernel_name(uint32_t pixels, bool texels) const {
    static const char *const names[] = {"packed", "packed4", "yuv", "image", "image_srgb"};
    const char *const filter = input.filter == Filter::area ? "_texel3" : "_texel2";
    const char *const half = tensor.storage == DType::f16 ? "_f16" : "";
    return format("preprocess_%s_%s%s%s", names[pixels], name_of(tensor.layout), texels ? filter : "", half);
}

// Twice the pixels, plus one for more words than a texel buffer can have.
uint32_t Preprocess::State::kind_of(const FrameSource &source) const {
    if (source.image != VK_NULL_HANDLE) return 2 * (source.image_srgb ? image_srgb : image);
    const FrameLayout &frame = source.layout;
    Pixels pixels = is_yuv(frame.format) ? yuv : packed;
    if (pixels == packed && packed_step(frame.format) == 4 && frame.stride[0] % 4 == 0 &&
        frame.plane_offset[0] % 4 == 0)
        pixels = packed4;
    return 2 * pixels + (source.size / 4 > device.caps().limits.maxTexelBufferElements);
}

Status Preprocess::State::build(uint32_t kind) {
    Variant &wanted = variant_of(kind);
    if (wanted.kernel) return {};
    const std::string name = kernel_name(kind / 2, through_texels(kind));
    SAC_ASSIGN(BoundKernel kernel, BoundKernel::create(kernels, name.c_str(), slots + 1));
    for (uint32_t set = 0; set <= slots; ++set) kernel.bind_buffer(set, 1, tensor.buffer, tensor.offset, tensor.bytes);
    wanted.bound.resize(slots + 1);
    wanted.kernel = std::move(kernel);
    return {};
}

Status Preprocess::State::check(const FrameSource &source) const {
    if (source.image != VK_NULL_HANDLE) return check_size(source.layout);
    SAC_ASSIGN(const uint64_t bytes, source.layout.required_bytes());
    if (source.size < bytes || source.size % 4 != 0)
        return bad_frame(format("its planes take %llu bytes, the range has %llu (which must be a multiple of 4)",
                                static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(source.size)));
    const VkDeviceSize most = device.caps().limits.maxStorageBufferRange;
    if (!through_texels(kind_of(source)) && source.size > most)
        return Error(Code::unsupported,
                     format("frame: it takes %llu bytes, the device reads at most %llu at once",
                            static_cast<unsigned long long>(source.size), static_cast<unsigned long long>(most)));
    return {};
}

Status Preprocess::State::bind(Variant &variant, uint32_t set, const FrameSource &source) {
    if (source.image != VK_NULL_HANDLE) {
        // A view may be another one at the same address, so it is bound anew every time.
        variant.kernel->bind_image(set, 0, sampler, source.image, source.image_layout);
        return {};
    }
    Variant::Bound &bound = variant.bound[set];
    if (bound.buffer == source.buffer && bound.offset == source.offset && bound.size == source.size) return {};
    SAC_TRY(variant.kernel->bind_words(set, source.buffer, source.offset, source.size));
    bound.buffer = source.buffer;
    bound.offset = source.offset;
    bound.size = source.size;
    return {};
}

Result<Preprocess::State::Fit> Preprocess::State::fit(const FrameLayout &frame) const {
    const uint32_t picture_w = upright_width(frame), picture_h = upright_height(frame);
    Fit fit;
    SAC_ASSIGN(fit.rect, fit_rect(input, picture_w, picture_h));
    const bool area = input.filter == Filter::area;
    fit.half_x = area ? std::max(picture_w, fit.rect.width) : fit.rect.width;
    fit.half_y = area ? std::max(picture_h, fit.rect.height) : fit.rect.height;
    fit.columns = samples(picture_w, fit.rect.width, fit.half_x);
    fit.rows = samples(picture_h, fit.rect.height, fit.half_y);
    // In the worst variant: four pixels, two columns a turn.
    if (4 * (1 + (uint64_t(fit.columns) + 1) / 2 * (1 + uint64_t(fit.rows))) > max_iterations)
        return Error(Code::unsupported, format("frame: %u x %u is too large to be averaged to %u x %u", picture_w,
                                               picture_h, fit.rect.width, fit.rect.height));
    return fit;
}

Result<PreprocessTransform> Preprocess::State::record(VkCommandBuffer commands, uint32_t set, Variant &variant,
                                                      const FrameSource &source) {
    const FrameLayout &frame = source.layout;
    SAC_ASSIGN(const Fit fitted, fit(frame));
    SAC_TRY(bind(variant, set, source));
    const auto &[rect, half_x, half_y, columns, rows] = fitted;

    const bool image_frame = source.image != VK_NULL_HANDLE;
    const Turn turn = turn_of(frame);
    const Steps steps = image_frame ? Steps() : steps_of(frame, turn);
    const uint32_t pixels = input.width * input.height;
    const bool nhwc = input.layout == TensorOrder::nhwc;
    const bool odd = tensor.layout == Layout::dense && !nhwc && pixels % 4 != 0;
    uint32_t flags = steps.flags;
    flags |= turn.flip_x ? flag::backwards_x : 0;
    flags |= turn.flip_y ? flag::backwards_y : 0;
    flags |= turn.swap ? flag::sideways : 0;
    flags |= input.channels == ChannelOrder::bgr ? flag::network_bgr : 0;
    flags |= nhwc ? flag::nhwc : 0;
    flags |= odd ? flag::odd_planes : 0;
    const auto multiply = [&](size_t i) { return std::bit_cast<uint32_t>(input.scale / input.std[i]); };
    const auto add = [&](size_t i) { return std::bit_cast<uint32_t>(-input.mean[i] / input.std[i]); };
    // clang-format off
    std::array<uint32_t, 31> push = {
        0, input.width, input.height, static_cast<uint32_t>(rect.x), static_cast<uint32_t>(rect.y),
        rect.width, rect.height, upright_width(frame), upright_height(frame), half_x, half_y, columns, rows, flags,
        static_cast<uint32_t>(source.size / 4) - 1, steps.offset[0], steps.offset[1], steps.offset[2],
        steps.luma[0], steps.luma[1], steps.u[0], steps.u[1], steps.v[0], steps.v[1],
        uint32_t(input.pad[0]) | uint32_t(input.pad[1]) << 8 | uint32_t(input.pad[2]) << 16,
        multiply(0), multiply(1), multiply(2), add(0), add(1), add(2)};
    // clang-format on

    const uint32_t elements = odd ? 3 * pixels : pixels;
    const uint32_t invocations = tensor.layout == Layout::c4 ? pixels : (elements + 3) / 4;
    compute_barrier(device, commands);
    const vk::ScopedLabel label(device, commands, "preprocess");
    variant.kernel->record(commands, set, push, (invocations + local_size - 1) / local_size);
    return transform_of(rect, frame);
}

Status Preprocess::State::warm_up(uint32_t kind, const FrameSource &source) {
    Status status = vk::run_once(
        device,
        [&](VkCommandBuffer commands) -> Status {
            SAC_TRY(record(commands, slots, variant_of(kind), source));
            return {};
        },
        "warming up preprocessing");
    if (status.ok()) warm |= 1u << kind;
    return status;
}

void Preprocess::State::forget(VkBuffer buffer) {
    for (Variant &variant : variants)
        for (uint32_t set = 0; set < variant.bound.size(); ++set)
            if (variant.bound[set].buffer == buffer) {
                variant.kernel->unbind_words(set);
                variant.bound[set] = {};
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
    for (const uint32_t pixels : {State::packed, State::packed4, State::yuv})
        state.has_texels[pixels] = kernels.available(state.kernel_name(pixels, true));
    return preprocess;
}

Preprocess::Preprocess(std::unique_ptr<State> state) : state_(std::move(state)) {}
Preprocess::Preprocess(Preprocess &&) noexcept = default;
Preprocess &Preprocess::operator=(Preprocess &&) noexcept = default;
Preprocess::~Preprocess() = default;

uint32_t Preprocess::kind_of(const FrameSource &source) const { return state_->kind_of(source); }
bool Preprocess::warm(uint32_t kind) const { return (state_->warm >> kind) & 1; }

Status Preprocess::warm_up(uint32_t kind) {
    State &state = *state_;
    SAC_TRY(state.build(kind));
    const uint32_t pixels = kind / 2;
    FrameSource source;
    if (pixels == State::image || pixels == State::image_srgb) {
        source.layout.width = source.layout.height = 1;
        SAC_ASSIGN(const OnePixelImage pixel, OnePixelImage::create(state.device, state.memory));
        source.image = pixel.view;
        source.image_srgb = pixels == State::image_srgb;
        return state.warm_up(kind, source);
    }
    SAC_ASSIGN(const vk::Buffer buffer, vk::Buffer::create(state.device, state.memory, 16, vk::tensor_usage,
                                                           vk::MemoryUse::device, "warm-up frame"));
    const struct Forgotten {  // before it is destroyed, in whatever way that comes
        State &state;
        VkBuffer buffer;
        ~Forgotten() { state.forget(buffer); }
    } forgotten{state, buffer.handle()};
    constexpr PixelFormat formats[] = {PixelFormat::rgb, PixelFormat::rgba, PixelFormat::nv12};
    source.layout = FrameLayout::tight(formats[pixels], 1, 1);
    source.buffer = buffer.handle();
    source.size = buffer.size();
    return state.warm_up(kind, source);
}

Result<PreprocessTransform> Preprocess::record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source) {
    SAC_TRY(state_->check(source));
    const uint32_t kind = state_->kind_of(source);
    if (!warm(kind)) return Error(Code::invalid_state, "frame: no kernel was warmed up for its kind");
    return state_->record(commands, slot, state_->variant_of(kind), source);
}

Status Preprocess::bind(uint32_t slot, const FrameSource &source) {
    SAC_TRY(state_->check(source));
    SAC_TRY(state_->fit(source.layout));
    return state_->bind(state_->variant_of(state_->kind_of(source)), slot, source);
}

void Preprocess::forget(VkBuffer buffer) { state_->forget(buffer); }

}  // namespace sac

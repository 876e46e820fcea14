#include "plugins/vision/heads/detection_head.h"

#include <algorithm>
#include <cstring>

#include "compute/base/format.h"

namespace sac {
namespace {

constexpr uint32_t local_size = 64;
constexpr uint32_t max_cells = 400000;  // bounds the loop of rank.comp, whose turns are candidates
constexpr VkDeviceSize row_bytes = 32;  // a candidate, a ranked one or a result: two texels of four words

// What is in the result buffer of a slot (shaders/heads/suppress.comp).
struct ResultHeader {
    uint32_t kept, candidates, not_ranked, unused;
};
struct ResultRow {
    float x1, y1, x2, y2, score;
    uint32_t class_id, cell, unused;
};
static_assert(sizeof(ResultRow) == row_bytes);

// One grid of cells: where its numbers lie, and what the decoder is told of it (push constants of candidates.glsl).
struct Level {
    uint32_t set = 0;  // of the decoder: which output
    struct Push {
        uint32_t group_base = 0, cells = 0, first_cell = 0, network_cell = 0, cell_stride = 0, channel_stride = 0;
        uint32_t classes = 0, grid_width = 0;
        float cell_width = 0, cell_height = 0, input_width = 0, input_height = 0, min_score = 0;
        uint32_t flags = 0;
    } push;
};

constexpr size_t push_words = sizeof(Level::Push) / 4;

Error wrong_output(const TensorInfo &tensor, const std::string &expected) {
    return Error(Code::invalid_file, format("head: output '%s' is %s, the card makes it %s", tensor.name.c_str(),
                                            to_string(tensor.shape).c_str(), expected.c_str()));
}

// Cells and channels of an output, and the strides by which they lie in memory, whatever the layout.
struct Grid {
    uint64_t cells = 1, channels = 0;
    uint32_t cell_stride = 0, channel_stride = 0;
};

Result<Grid> grid_of(const TensorInfo &tensor, bool channels_last) {
    const Shape &shape = tensor.shape;
    const bool rank_ok = channels_last ? shape.size() == 3 : shape.size() == 3 || shape.size() == 4;
    if (!rank_ok || shape[0] != 1)
        return wrong_output(tensor, channels_last ? "[1,cells,channels]" : "[1,channels,cells] or [1,channels,h,w]");
    if (tensor.storage != DType::f32 && tensor.storage != DType::f16)
        return Error(Code::unsupported, format("head: output '%s' is not of floats", tensor.name.c_str()));
    Grid grid;
    grid.channels = static_cast<uint64_t>(channels_last ? shape[2] : shape[1]);
    for (size_t axis = channels_last ? 1 : 2; axis < (channels_last ? 2 : shape.size()); ++axis)
        grid.cells *= static_cast<uint64_t>(shape[axis]);
    if (grid.cells > max_cells) return wrong_output(tensor, format("at most %u cells", max_cells));
    // In layout c4, axis 1 is the one that varies fastest, padded to four.
    const auto padded = [](uint64_t n) { return static_cast<uint32_t>((n + 3) / 4 * 4); };
    const auto cells = static_cast<uint32_t>(grid.cells), channels = static_cast<uint32_t>(grid.channels);
    const bool c4 = tensor.layout == Layout::c4;
    if (channels_last) {
        grid.cell_stride = c4 ? 1 : channels;
        grid.channel_stride = c4 ? padded(cells) : 1;
    } else {
        grid.cell_stride = c4 ? padded(channels) : 1;
        grid.channel_stride = c4 ? 1 : cells;
    }
    return grid;
}

uint32_t head_flags(const CardHead &head) {
    if (head.type == HeadType::fastestdet) return 0;
    return static_cast<uint32_t>(head.box) | (head.objectness ? 4u : 0u) | (head.sigmoid ? 8u : 0u) |
           (head.multi_label ? 16u : 0u);
}

// The levels of a card over its outputs, in the order of strides.
Result<std::vector<Level>> levels_of(const Card &card, std::span<const TensorInfo> outputs) {
    const CardHead &head = card.head;
    const CardInput &input = card.input;
    const bool fastestdet = head.type == HeadType::fastestdet;
    const size_t level_count = fastestdet ? 1 : head.strides.size();
    const auto classes = static_cast<uint32_t>(card.labels.size());
    const uint64_t channels = uint64_t(classes) + (fastestdet || head.objectness ? 5 : 4);
    std::vector<Level> levels;
    uint64_t before = 0;
    for (size_t i = 0; i < level_count; ++i) {
        const bool own_output = outputs.size() == level_count;
        Level level;
        level.set = own_output ? static_cast<uint32_t>(i) : 0;
        const TensorInfo &tensor = outputs[level.set];
        SAC_ASSIGN(const Grid grid, grid_of(tensor, !fastestdet && head.channels_last));
        if (grid.channels != channels)
            return wrong_output(
                tensor, format("%llu channels for %u labels", static_cast<unsigned long long>(channels), classes));
        Level::Push &push = level.push;
        uint32_t grid_height = 0;
        if (fastestdet) {
            if (tensor.shape.size() != 4) return wrong_output(tensor, "[1,channels,h,w]");
            push.grid_width = static_cast<uint32_t>(tensor.shape[3]);
            grid_height = static_cast<uint32_t>(tensor.shape[2]);
            push.cell_width = static_cast<float>(input.width) / static_cast<float>(push.grid_width);
            push.cell_height = static_cast<float>(input.height) / static_cast<float>(grid_height);
        } else {
            const uint32_t stride = head.strides[i];
            push.grid_width = (input.width + stride - 1) / stride;
            grid_height = (input.height + stride - 1) / stride;
            push.cell_width = push.cell_height = static_cast<float>(stride);
        }
        push.cells = push.grid_width * grid_height;
        push.first_cell = static_cast<uint32_t>(before);
        push.network_cell = own_output ? 0 : push.first_cell;
        push.cell_stride = grid.cell_stride;
        push.channel_stride = grid.channel_stride;
        push.classes = classes;
        push.input_width = static_cast<float>(input.width);
        push.input_height = static_cast<float>(input.height);
        push.flags = head_flags(head);
        before += push.cells;
        const bool last_of_output = own_output || i + 1 == level_count;
        const uint64_t wanted = own_output ? push.cells : before;
        if (before > max_cells || (last_of_output && grid.cells != wanted))
            return wrong_output(tensor,
                                format("%llu cells (at most %u)", static_cast<unsigned long long>(wanted), max_cells));
        levels.push_back(level);
    }
    return levels;
}

}  // namespace

struct DetectionHead::State {
    vk::Device &device;
    std::vector<Level> levels;
    uint32_t slots = 0, places = 0, capacity = 0;  // places: how many candidates there may be
    vk::Buffer keys, candidates, counters, ranked, kept;
    std::vector<vk::Buffer> results;  // by slot
    BoundKernel decode, rank, suppress;

    explicit State(vk::Device &d) : device(d) {}
    State(const State &) = delete;
    State &operator=(const State &) = delete;

    Status create_buffers(vk::Memory &memory);
    Status create_kernels(KernelTable &kernels, const Card &card, std::span<const TensorInfo> outputs);
};

Status DetectionHead::State::create_buffers(vk::Memory &memory) {
    const auto make = [&](vk::Buffer &buffer, VkDeviceSize bytes, VkBufferUsageFlags more, const char *name) -> Status {
        SAC_ASSIGN(buffer,
                   vk::Buffer::create(device, memory, bytes, vk::tensor_usage | more, vk::MemoryUse::device, name));
        return {};
    };
    // Kernels read keys and kept boxes eight at a time.
    SAC_TRY(make(keys, (VkDeviceSize(places) + 8) * 8, 0, "detection keys"));
    SAC_TRY(make(candidates, places * row_bytes, 0, "detection candidates"));
    SAC_TRY(make(counters, 16, VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, "detection counters"));
    SAC_TRY(make(ranked, capacity * row_bytes, 0, "detections ranked"));
    SAC_TRY(make(kept, (max_detections_limit + 8) * row_bytes, 0, "detections kept"));
    results.resize(slots);
    for (vk::Buffer &result : results) {
        SAC_ASSIGN(result, vk::Buffer::create(device, memory, sizeof(ResultHeader) + max_detections_limit * row_bytes,
                                              VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, vk::MemoryUse::readback,
                                              "detection results"));
        std::memset(result.mapped(), 0, sizeof(ResultHeader));
    }
    return {};
}

Status DetectionHead::State::create_kernels(KernelTable &table, const Card &card, std::span<const TensorInfo> outputs) {
    const char *const base = card.head.type == HeadType::fastestdet ? "fastestdet" : "anchor_free";
    const char *const half = outputs[0].storage == DType::f16 ? "_f16" : "";
    VkDeviceSize largest = 0;
    for (const TensorInfo &output : outputs) largest = std::max(largest, output.bytes);
    std::string name = format("%s_texel%s", base, half);
    if (!table.available(name) || largest / 4 > device.caps().limits.maxTexelBufferElements)
        name = format("%s%s", base, half);

    SAC_ASSIGN(decode, BoundKernel::create(table, name.c_str(), static_cast<uint32_t>(outputs.size())));
    for (uint32_t set = 0; set < outputs.size(); ++set) {
        SAC_TRY(decode.bind_words(set, outputs[set].buffer, outputs[set].offset, outputs[set].bytes));
        decode.bind_buffer(set, 1, keys.handle(), 0, keys.size());
        decode.bind_buffer(set, 2, candidates.handle(), 0, candidates.size());
        decode.bind_buffer(set, 3, counters.handle(), 0, counters.size());
    }
    SAC_ASSIGN(rank, BoundKernel::create(table, "rank_candidates", 1));
    rank.bind_buffer(0, 0, keys.handle(), 0, keys.size());
    rank.bind_buffer(0, 1, candidates.handle(), 0, candidates.size());
    rank.bind_buffer(0, 2, counters.handle(), 0, counters.size());
    rank.bind_buffer(0, 3, ranked.handle(), 0, ranked.size());
    SAC_ASSIGN(suppress, BoundKernel::create(table, "suppress", slots));
    for (uint32_t slot = 0; slot < slots; ++slot) {
        suppress.bind_buffer(slot, 0, ranked.handle(), 0, ranked.size());
        suppress.bind_buffer(slot, 1, counters.handle(), 0, counters.size());
        suppress.bind_buffer(slot, 2, kept.handle(), 0, kept.size());
        suppress.bind_buffer(slot, 3, results[slot].handle(), 0, results[slot].size());
    }
    return {};
}

IoFormats DetectionHead::wanted_formats(const Card &card) {
    IoFormats formats;
    for (const std::string &output : card.head.outputs) formats[output] = {Layout::dense, DType::f32};
    return formats;
}

Result<DetectionHead> DetectionHead::create(vk::Memory &memory, KernelTable &kernels, const Card &card,
                                            std::span<const TensorInfo> outputs, uint32_t slots) {
    if (slots == 0) return Error(Code::invalid_argument, "head: slots is 0");
    std::vector<TensorInfo> used;
    for (const std::string &name : card.head.outputs) {
        const auto found =
            std::find_if(outputs.begin(), outputs.end(), [&](const TensorInfo &t) { return t.name == name; });
        if (found == outputs.end())
            return Error(Code::invalid_file, format("head: the network has no output '%s'", name.c_str()));
        if (!used.empty() && found->storage != used[0].storage)
            return Error(Code::unsupported,
                         format("head: output '%s' is of another type than the first", name.c_str()));
        used.push_back(*found);
    }
    DetectionHead head(std::make_unique<State>(kernels.device()));
    State &state = *head.state_;
    SAC_ASSIGN(state.levels, levels_of(card, used));
    state.slots = slots;
    const uint32_t cells = state.levels.back().push.first_cell + state.levels.back().push.cells;
    const uint64_t places = uint64_t{cells} * (card.head.multi_label ? card.labels.size() : 1);
    if (places > max_cells)
        return Error(Code::unsupported, format("head.multi_label: %u cells of %zu classes are more than %u candidates",
                                               cells, card.labels.size(), max_cells));
    state.places = static_cast<uint32_t>(places);
    state.capacity = std::min(state.places, max_candidates);
    SAC_TRY(state.create_buffers(memory));
    SAC_TRY(state.create_kernels(kernels, card, used));

    // Every pipeline once, on whatever the output holds. The ranking is dispatched directly, as no candidate might be
    // there.
    const DetectionThresholds highest = {1.0f, 1.0f, 1, true};
    Status warm = vk::run_once(
        state.device,
        [&](VkCommandBuffer commands) -> Status {
            SAC_TRY(head.record(commands, 0, {}, highest));
            std::array<uint32_t, 2> push = {0, 0};
            compute_barrier(state.device, commands);
            state.rank.record(commands, 0, push, 1);
            return {};
        },
        "warming up the detection head");
    if (!warm.ok()) return std::move(warm).error();
    return head;
}

DetectionHead::DetectionHead(std::unique_ptr<State> state) : state_(std::move(state)) {}
DetectionHead::DetectionHead(DetectionHead &&) noexcept = default;
DetectionHead &DetectionHead::operator=(DetectionHead &&) noexcept = default;
DetectionHead::~DetectionHead() = default;

Status DetectionHead::record(VkCommandBuffer commands, uint32_t slot, const PreprocessTransform &transform,
                             const DetectionThresholds &thresholds) {
    const auto unit = [](float x) { return x >= 0 && x <= 1; };  // false for NaN
    if (!unit(thresholds.score) || !unit(thresholds.nms_iou))
        return Error(Code::invalid_argument, "detection: the score and overlap thresholds must be 0 to 1");
    if (thresholds.max_detections < 1 || thresholds.max_detections > max_detections_limit)
        return Error(Code::invalid_argument, format("detection: max_detections must be 1 to %u, not %u",
                                                    max_detections_limit, thresholds.max_detections));
    State &state = *state_;
    const vk::Device &device = state.device;
    const vk::ScopedLabel label(device, commands, "detection head");

    compute_barrier(device, commands);
    const std::array<uint32_t, 4> none = {0, 1, 1, 0};
    device.fn().CmdUpdateBuffer(commands, state.counters.handle(), 0, sizeof none, none.data());
    compute_barrier(device, commands);
    for (Level &level : state.levels) {
        level.push.min_score = std::max(thresholds.score, 1e-9f);  // scores of 0 would have no order
        std::array<uint32_t, push_words> push;
        std::memcpy(push.data(), &level.push, sizeof push);
        state.decode.record(commands, level.set, push, (level.push.cells + local_size - 1) / local_size);
    }
    compute_barrier(device, commands);
    std::array<uint32_t, 2> rank_push = {0, state.capacity};
    state.rank.record_indirect(commands, 0, rank_push, state.counters.handle(), 0);
    compute_barrier(device, commands);
    std::array<uint32_t, 11> push = {0, state.capacity, thresholds.max_detections,
                                     std::bit_cast<uint32_t>(thresholds.nms_iou), thresholds.class_aware};
    std::memcpy(&push[5], transform.m.data(), sizeof transform.m);
    state.suppress.record(commands, slot, push, 1);

    VkMemoryBarrier to_host = {};
    to_host.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    to_host.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
    to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    device.fn().CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                   &to_host, 0, nullptr, 0, nullptr);
    return {};
}

DetectionCounts DetectionHead::read(uint32_t slot, std::vector<Detection> &detections) const {
    const std::byte *bytes = state_->results[slot].mapped<std::byte>();
    ResultHeader header;
    std::memcpy(&header, bytes, sizeof header);
    detections.resize(std::min(header.kept, max_detections_limit));
    for (size_t i = 0; i < detections.size(); ++i) {
        ResultRow row;
        std::memcpy(&row, bytes + sizeof header + i * sizeof row, sizeof row);
        detections[i] = {row.class_id, row.score, row.x1, row.y1, row.x2, row.y2};
    }
    return {header.candidates, header.not_ranked};
}

}  // namespace sac

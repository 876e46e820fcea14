#include "plugins/vision/frame_recorder.h"

#include <cstring>

namespace sac::vision {

Result<std::unique_ptr<FrameRecorder>> FrameRecorder::create(Runtime &runtime, std::mutex &runtime_mutex,
                                                             Inspector &inspector) {
    std::unique_ptr<FrameRecorder> self(new FrameRecorder(runtime, runtime_mutex, inspector));
    SAC_ASSIGN(self->tags_,
               vk::Buffer::create(runtime.device, runtime.memory, slots * sizeof(uint64_t),
                                  VK_BUFFER_USAGE_TRANSFER_DST_BIT, vk::MemoryUse::readback, "frame tags"));
    std::memset(self->tags_.mapped(), 0, slots * sizeof(uint64_t));
    for (Slot &slot : self->slots_) {
        SAC_ASSIGN(slot.stamps, vk::Timestamps::create(runtime.device, Model::stamp_count));
    }
    return self;
}

Status FrameRecorder::copy(Slot &slot, const Frame &frame, ActiveModel &active) {
    FrameSource &source = slot.source;
    source = {};
    source.layout = staging_layout(frame.layout);
    SAC_ASSIGN(const uint64_t bytes, source.layout.required_bytes());
    if (slot.planes.size() < bytes) {
        SAC_ASSIGN(vk::Buffer larger, vk::Buffer::create(runtime_.device, runtime_.memory, bytes, vk::tensor_usage,
                                                         vk::MemoryUse::upload, "frame planes"));
        if (slot.planes) active.model->forget(slot.planes.handle());
        slot.planes = std::move(larger);
    }
    source.buffer = slot.planes.handle();
    source.size = (bytes + 15) / 16 * 16;
    copy_planes(frame, source.layout, slot.planes.mapped<std::byte>());
    return {};
}

Result<bool> FrameRecorder::prepare(uint32_t index, const Frame &frame, ActiveModel &active) {
    Slot &slot = slots_[index];
    slot.view.reset();
    if (frame.is_image) {
        SAC_ASSIGN(ImageView view, ImageView::create(runtime_.device, frame.image));
        slot.view.emplace(std::move(view));
        slot.source = source_of_image(frame, *slot.view);
    } else {
        SAC_TRY(copy(slot, frame, active));
    }
    if (!active.model->prepared(slot.source)) return false;
    SAC_TRY(active.model->bind(index, slot.source));
    return true;
}

Status FrameRecorder::record(uint32_t index, VkCommandBuffer commands, const Frame &frame, ActiveModel &active,
                             const DetectionThresholds &thresholds, uint64_t tag, bool observed) {
    Slot &slot = slots_[index];
    const vk::Device &device = runtime_.device;
    const vk::ScopedLabel label(device, commands, "saccade frame");
    if (frame.is_image) acquire_image(device, commands, frame.image);
    slot.stamps.reset(commands);
    if (observed) inspector_.begin(commands);
    SAC_TRY(active.model->record(commands, index, slot.source, thresholds, slot.stamps,
                                 observed ? inspector_.observation() : Observation()));
    if (frame.is_image) release_image(device, commands, frame.image);
    record_tag(commands, tag);
    return {};
}

void FrameRecorder::record_tag(VkCommandBuffer commands, uint64_t tag) {
    const vk::DeviceFunctions &fn = runtime_.device.fn();
    fn.CmdUpdateBuffer(commands, tags_.handle(), tag % slots * sizeof tag, sizeof tag, &tag);
    VkMemoryBarrier to_host = {};
    to_host.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    to_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    fn.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0,
                          nullptr, 0, nullptr);
}

Status FrameRecorder::prepare_slice(ActiveModel &active, uint64_t tag) {
    SliceStamps &made = slice_stamps_[tag % slots];
    if (made.model == active.id) return {};
    made.model = 0;
    SAC_ASSIGN(made.stamps, vk::Timestamps::create(runtime_.device, active.model->most_slice_stamps()));
    made.model = active.id;
    return {};
}

Status FrameRecorder::record_slice(uint32_t index, VkCommandBuffer commands, const Frame &frame, ActiveModel &active,
                                   const DetectionThresholds &thresholds, const FrameSlice &slice, uint64_t tag,
                                   bool observed) {
    Slot &slot = slots_[index];
    const vk::Device &device = runtime_.device;
    const vk::ScopedLabel label(device, commands, "saccade slice");
    vk::Timestamps &stamps = slice_stamps_[tag % slots].stamps;
    const bool image = frame.is_image && slice.preprocess;
    if (image) acquire_image(device, commands, frame.image);
    stamps.reset(commands);
    if (observed && slice.preprocess) inspector_.begin_slices();
    const std::span copies = observed ? inspector_.observation().copies : std::span<const Observation::Copy>();
    SAC_TRY(active.model->record(commands, index, slot.source, thresholds, stamps, slice, copies));
    if (image) release_image(device, commands, frame.image);
    record_tag(commands, tag);
    return {};
}

Status FrameRecorder::warm_up(ActiveModel &active, const FrameSource &source) {
    const std::lock_guard lock(runtime_mutex_);
    return active.model->prepare(source);
}

Status FrameRecorder::executed(uint64_t tag) const {
    uint64_t found = 0;
    std::memcpy(&found, tags_.mapped<std::byte>() + tag % slots * sizeof found, sizeof found);
    if (found == tag) return {};
    return Error(Code::invalid_state,
                 "commands.done_semaphore has reached commands.done_value, but the commands of the frame were not "
                 "executed");
}

Result<SliceTimes> FrameRecorder::learn(uint32_t index, ActiveModel &active, const FrameSlice &slice, uint64_t tag,
                                        bool observed) {
    SAC_ASSIGN(const SliceTimes times,
               active.model->learn(slots_[index].source, slice, slice_stamps_[tag % slots].stamps, 0));
    if (observed) inspector_.add(slice.network_first.dispatch, times.stamps);
    return times;
}

Result<FrameOutcome> FrameRecorder::read(uint32_t index, ActiveModel &active, bool observed, bool sliced,
                                         sac_frame_timing &timing) {
    if (!sliced) SAC_TRY(read_stamps(slots_[index].stamps, timing));
    if (observed) SAC_TRY(inspector_.collect(sliced));
    FrameOutcome outcome;
    outcome.detections = active.model->read(index, outcome.candidates);
    return outcome;
}

}  // namespace sac::vision

// A frame through the device within a budget: one slice for each frame of the host's.

#include <algorithm>

#include "plugins/vision/frame_runner.h"

namespace sac::vision {

void add_slice(const SliceTimes &times, sac_slices &slices, sac_frame_timing &timing) {
    ++slices.count;
    slices.longest_us = std::max(slices.longest_us, static_cast<float>(times.total * 1e-3));
    const double parts = times.preprocess + times.network + times.head;
    timing.preprocess_us += static_cast<float>(times.preprocess * 1e-3);
    timing.network_us += static_cast<float>(times.network * 1e-3);
    timing.head_us += static_cast<float>(times.head * 1e-3);
    timing.gpu_us += static_cast<float>(parts * 1e-3);
}

Status FrameRunner::run_in_slices(Slot &slot, uint32_t index, const Frame &frame, const FrameSource &source,
                                  ActiveModel &active, const DetectionThresholds &thresholds, bool &submitted,
                                  sac_frame_timing &timing, sac_slices &slices) {
    Model &model = *active.model;
    slot.recorded.reset();
    if (slice_stamps_of_ != active.id) {
        slice_stamps_of_ = 0;
        SAC_ASSIGN(slice_stamps_, vk::Timestamps::create(runtime_.device, model.most_slice_stamps()));
        slice_stamps_of_ = active.id;
    }
    timing.flags |= uint32_t{SAC_FRAME_RECORDED};
    const bool profiled = inspector_.observation().stamps;
    timing.flags |= profiled ? uint32_t{SAC_FRAME_PROFILED} : 0;
    inspector_.begin_slices();
    for (FramePlace at; at.part != FramePlace::Part::end;) {
        const double budget_us = pacing_.wait_turn();
        const FrameSlice slice = model.slice(source, at, budget_us * 1e3, profiled);
        SAC_TRY(record_slice(slot, index, frame, source, active, thresholds, slice));
        const uint64_t begun = now_ns();
        if (!slices.count) slices.begun_ns = timing.queued_ns = begun;
        SAC_TRY(submit(slot, frame.is_image && slice.preprocess ? &frame.image : nullptr, submitted));
        timing.done_ns = now_ns();
        SAC_ASSIGN(const SliceTimes times,
                   model.learn(source, slice, slice_stamps_, static_cast<double>(timing.done_ns - begun)));
        if (profiled) inspector_.add(slice.network_first.dispatch, times.stamps);
        add_slice(times, slices, timing);
        pacing_.finished(times.total * 1e-3, slice.expected_ns * 1e-3);
        at = slice.end;
    }
    if (!runtime_.device.caps().timestamps)
        timing.gpu_us = timing.preprocess_us = timing.network_us = timing.head_us = 0;
    return {};
}

Status FrameRunner::record_slice(Slot &slot, uint32_t index, const Frame &frame, const FrameSource &source,
                                 ActiveModel &active, const DetectionThresholds &thresholds, const FrameSlice &slice) {
    const bool image = frame.is_image && slice.preprocess;
    SAC_TRY(slot.commands.begin(true));
    const VkCommandBuffer commands = slot.commands.handle();
    if (image) acquire_image(runtime_.device, commands, frame.image);
    {
        const vk::ScopedLabel label(runtime_.device, commands, "saccade slice");
        slice_stamps_.reset(commands);
        SAC_TRY(active.model->record(commands, index, source, thresholds, slice_stamps_, slice,
                                     inspector_.observation().copies));
    }
    if (image) release_image(runtime_.device, commands, frame.image);
    return slot.commands.end();
}

}  // namespace sac::vision

#include "samples/foreign_host/frame_ring.h"

#include <algorithm>

FrameRing::FrameRing(VulkanHost &host, uint32_t width, uint32_t height) : host_(host), frames_(count) {
    drawn_ = host.create_semaphore(VK_SEMAPHORE_TYPE_TIMELINE);
    for (Frame &frame : frames_) {
        frame.index = static_cast<uint32_t>(&frame - frames_.data());
        frame.commands = host.create_commands();
        frame.vision_commands = host.create_commands();
        frame.returned = host.create_semaphore(VK_SEMAPHORE_TYPE_TIMELINE);
        // SAMPLED is what the plugin asks for: sac_requirements.image_usage.
        frame.scene = host.create_image(
            width, height,
            VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
        frame.target = host.create_image(
            width, height,
            VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
    }
}

FrameRing::~FrameRing() {
    for (const Frame &frame : frames_) {
        host_.destroy(frame.scene);
        host_.destroy(frame.target);
        host_.vk.DestroySemaphore(host_.device, frame.returned, nullptr);
    }
    host_.vk.DestroySemaphore(host_.device, drawn_, nullptr);
}

bool FrameRing::is_lent(const Frame &frame) const {
    uint64_t returned = 0;
    check(host_.vk.GetSemaphoreCounterValue(host_.device, frame.returned, &returned), "vkGetSemaphoreCounterValue");
    return returned < frame.handed_over;
}

bool FrameRing::may_hand_over() const {
    return std::count_if(frames_.begin(), frames_.end(), [&](const Frame &f) { return is_lent(f); }) + 2 < count;
}

Frame &FrameRing::begin() {
    Frame *oldest = nullptr;
    for (Frame &frame : frames_)
        if (!is_lent(frame) && (!oldest || frame.drawn_value < oldest->drawn_value)) oldest = &frame;
    if (!oldest) throw HostError("the plugin was handed more frames than may_hand_over() allows");
    wait_drawn(oldest->drawn_value);
    oldest->drawn_value = ++last_value_;
    host_.begin(oldest->commands);
    return *oldest;
}

void FrameRing::submit(Frame &frame, const Presentation &presentation, bool with_vision_commands) {
    check(host_.vk.EndCommandBuffer(frame.commands), "vkEndCommandBuffer");
    const VkPipelineStageFlags transfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const bool presents = presentation.rendered != VK_NULL_HANDLE;
    const VkSemaphore signals[] = {drawn_, presentation.rendered};
    const uint64_t values[] = {frame.drawn_value, 0};  // binary semaphores have none, but stand in the list

    VkTimelineSemaphoreSubmitInfo timelines[2] = {};
    VkSubmitInfo batches[2] = {};
    for (uint32_t i = 0; i < 2; ++i) {
        timelines[i].sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
        batches[i].sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
        batches[i].pNext = &timelines[i];
        batches[i].commandBufferCount = 1;
    }
    batches[0].pCommandBuffers = &frame.commands;
    batches[0].waitSemaphoreCount = timelines[0].waitSemaphoreValueCount = presents ? 1 : 0;
    batches[0].pWaitSemaphores = &presentation.acquired;
    batches[0].pWaitDstStageMask = &transfer;
    timelines[0].pWaitSemaphoreValues = &values[1];
    batches[0].signalSemaphoreCount = timelines[0].signalSemaphoreValueCount = presents ? 2 : 1;
    batches[0].pSignalSemaphores = signals;
    timelines[0].pSignalSemaphoreValues = values;
    batches[1].pCommandBuffers = &frame.vision_commands;
    batches[1].signalSemaphoreCount = timelines[1].signalSemaphoreValueCount = 1;
    batches[1].pSignalSemaphores = &frame.returned;
    timelines[1].pSignalSemaphoreValues = &frame.handed_over;

    const std::lock_guard lock(host_.queue_mutex);
    check(host_.vk.QueueSubmit(host_.queue, with_vision_commands ? 2 : 1, batches, VK_NULL_HANDLE), "vkQueueSubmit");
}

void FrameRing::wait_drawn(uint64_t value) const {
    auto info = vk_struct<VkSemaphoreWaitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO);
    info.semaphoreCount = 1;
    info.pSemaphores = &drawn_;
    info.pValues = &value;
    check(host_.vk.WaitSemaphores(host_.device, &info, UINT64_MAX), "vkWaitSemaphores");
}

void FrameRing::wait() const { wait_drawn(last_value_); }

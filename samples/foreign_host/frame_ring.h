#pragma once
// The frames in flight: what each needs to be drawn, and when it may be drawn anew. The render thread waits for the GPU
// here and nowhere else, and never for the plugin.

#include <array>

#include "samples/foreign_host/vulkan_host.h"

/// One of the ring's frames. The plugin holds its scene while `returned` has not reached `handed_over`.
struct Frame {
    uint32_t index = 0;
    VkCommandBuffer commands = VK_NULL_HANDLE;         ///< the host's drawing
    VkCommandBuffer vision_commands = VK_NULL_HANDLE;  ///< what the plugin records for itself (mode C)
    Image scene;                                       ///< what was drawn, which the plugin reads
    Image target;                                      ///< what is shown: the scene with the overlay
    uint64_t drawn_value = 0;                          ///< of FrameRing::drawn(): `commands` are done
    VkSemaphore returned = VK_NULL_HANDLE;             ///< a timeline: how often the scene has come back
    uint64_t handed_over = 0;                          ///< how often the plugin has got it
};

/// What is shown in a window besides: see Window.
struct Presentation {
    VkSemaphore acquired = VK_NULL_HANDLE;  ///< binary, awaited before transfers
    VkSemaphore rendered = VK_NULL_HANDLE;  ///< binary, signalled with the drawing
};

/// The host must outlive it. [thread] one.
class FrameRing {
public:
    FrameRing(VulkanHost &host, uint32_t width, uint32_t height);
    ~FrameRing();  // the device must be idle
    FrameRing(const FrameRing &) = delete;
    FrameRing &operator=(const FrameRing &) = delete;

    /// The next frame to draw: one whose commands are done and that the plugin does not hold. Frame pacing: where the
    /// GPU is behind, this waits for the oldest drawing. Its commands are being recorded from here on.
    Frame &begin();
    /// Whether the plugin may be given one more: two frames stay with the host, so that begin() need never wait for it.
    bool may_hand_over() const;
    /// Submits the drawing, and as a batch behind it, so that showing the frame does not wait for the network, the
    /// vision commands, if there are any.
    void submit(Frame &frame, const Presentation &presentation, bool with_vision_commands);
    /// Waits until all that was submitted is done.
    void wait() const;

    /// A timeline: reaches a frame's drawn_value when it is drawn.
    VkSemaphore drawn() const { return drawn_; }
    const std::vector<Frame> &frames() const { return frames_; }

    static constexpr uint32_t count = 4;

private:
    bool is_lent(const Frame &frame) const;
    void wait_drawn(uint64_t value) const;

    VulkanHost &host_;
    std::vector<Frame> frames_;
    VkSemaphore drawn_ = VK_NULL_HANDLE;
    uint64_t last_value_ = 0;
};

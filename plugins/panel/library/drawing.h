#pragma once
// Dear ImGui and the image that it is drawn into.

#include "plugins/panel/ui/ui.h"

namespace sac::panel {

/// Device must outlive it. Nothing of it is submitted or waited for here. [thread] one at a time.
class Drawing {
public:
    /// `format`: of the image, R8G8B8A8_UNORM or B8G8R8A8_UNORM. `slots`: frames that may be in flight at one time.
    static Result<std::unique_ptr<Drawing>> create(vk::Device &device, VkFormat format, VkExtent2D extent,
                                                   uint32_t slots);
    ~Drawing();  ///< the device must be done with what was recorded
    Drawing(const Drawing &) = delete;
    Drawing &operator=(const Drawing &) = delete;

    Ui &ui() { return *ui_; }
    VkExtent2D extent() const { return sheet_->image.extent(); }
    vk::Memory &memory() { return memory_; }
    /// Frames in flight keep the image that they were drawn into.
    Status resize(VkExtent2D extent);

    /// Ends the ui's frame and draws it. `slot`'s last submission must have finished. The image is left in
    /// TRANSFER_SRC_OPTIMAL, to be read by copies.
    Status record(VkCommandBuffer commands, uint32_t slot);
    VkImage image() const { return sheet_->image.handle(); }

private:
    struct Sheet {
        explicit Sheet(const vk::Device &of) : device(of) {}
        ~Sheet();
        Sheet(const Sheet &) = delete;
        Sheet &operator=(const Sheet &) = delete;
        const vk::Device &device;
        vk::GpuImage image;
        VkFramebuffer framebuffer = VK_NULL_HANDLE;
    };
    Drawing(vk::Device &device, VkFormat format) : device_(device), format_(format), memory_(device) {}

    vk::Device &device_;
    VkFormat format_;
    vk::Memory memory_;
    VkRenderPass pass_ = VK_NULL_HANDLE;
    std::unique_ptr<Ui> ui_;
    std::shared_ptr<Sheet> sheet_;
    std::vector<std::shared_ptr<Sheet>> in_flight_;  // by slot
};

}  // namespace sac::panel

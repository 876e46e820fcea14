#pragma once
// Dear ImGui over a picture: its context, the events it gets, and what it draws, through the device's own functions.
// (ImGui's Vulkan backend of 1.86 links against the loader and knows no textures but its font.)

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <imgui.h>

#include "compute/vk/gpu_image.h"

namespace sac::panel {

/// The keys that the ui knows what to do with; letters by their capital.
enum class UiKey : int {
    none = 0,
    tab = 1,
    left = 2,
    right = 3,
    up = 4,
    down = 5,
    page_up = 6,
    page_down = 7,
    home = 8,
    end = 9,
    insert = 10,
    del = 11,
    backspace = 12,
    space = 13,
    enter = 14,
    keypad_enter = 15,
    escape = 16,
    a = 'A',
    c = 'C',
    v = 'V',
    x = 'X',
    y = 'Y',
    z = 'Z',
};

/// What a pointer or a keyboard does, in the order in which it comes.
struct UiEvent {
    enum class Kind { cursor, button, scroll, key, character, focus };
    Kind kind = Kind::cursor;
    float x = 0, y = 0;  ///< cursor: pixels of the target; scroll: notches
    int code = 0;        ///< button: 0 left, 1 right, 2 middle; key: a UiKey; character: Unicode
    bool down = false;   ///< button, key; focus: whether it was got. Losing it lets go of all that is held
    bool control = false, shift = false, alt = false;  ///< key
};

/// One ImGui context and its renderer. Device and memory must outlive it. [thread] one at a time; ImGui's current
/// context is this one from begin() on.
class Ui {
public:
    /// `pass`: that it is drawn in, one color attachment of one sample. `slots`: frames that may be in flight at one
    /// time.
    static Result<std::unique_ptr<Ui>> create(vk::Device &device, vk::Memory &memory, VkRenderPass pass,
                                              uint32_t slots);
    ~Ui();  ///< the device must be done with what was recorded
    Ui(const Ui &) = delete;
    Ui &operator=(const Ui &) = delete;

    void take(const UiEvent &event);
    /// UTF-8 that was typed.
    void type(const char *text);
    void use_clipboard(std::function<std::string()> get, std::function<void(const std::string &)> set);
    /// ImGui's NewFrame, for a target of that size. A frame that was begun and never drawn is ended first.
    void begin(VkExtent2D target, float seconds);
    /// True if pointer or keyboard are the ui's at the moment rather than the program's.
    bool wants_pointer() const;
    bool wants_keyboard() const;

    /// Events taken so far: whether something happened that a drawing should answer.
    uint64_t events() const { return events_; }

    /// Ends the frame and records what must go up, outside of a render pass. `slot`'s last submission must have
    /// finished.
    Status upload(VkCommandBuffer commands, uint32_t slot);
    /// Within the pass. Viewport and scissor are left changed.
    void draw(VkCommandBuffer commands, uint32_t slot, VkExtent2D target);

    /// A picture of that size in pixels for ImGui::Image; null: there is no memory for it. Not `smooth`: each of its
    /// pixels is seen as a square.
    ImTextureID create_texture(uint32_t width, uint32_t height, bool smooth = false);
    /// width * height * 4 bytes of RGBA, copied; shown from the next upload() on.
    void update_texture(ImTextureID texture, const uint8_t *pixels);
    /// At once for later frames; those in flight keep it until their slot comes round.
    void destroy_texture(ImTextureID texture);

private:
    // Gives its set back when it goes.
    struct Texture {
        explicit Texture(std::vector<VkDescriptorSet> &home) : free_sets(home) {}
        ~Texture();
        Texture(const Texture &) = delete;
        Texture &operator=(const Texture &) = delete;
        vk::GpuImage image;
        VkDescriptorSet set = VK_NULL_HANDLE;
        std::vector<uint8_t> pixels;  // that have yet to go up
        bool written = false;
        std::vector<VkDescriptorSet> &free_sets;
    };
    struct Slot {
        vk::Buffer vertices, indices, staging;
        std::vector<std::shared_ptr<Texture>> shown;  // kept until the slot's submission has finished
    };
    Ui(vk::Device &device, vk::Memory &memory) : device_(device), memory_(memory) {}
    Status create_objects(VkRenderPass pass);
    Status create_font();
    Result<VkDescriptorSet> take_set();
    Result<std::shared_ptr<Texture>> make_texture(uint32_t width, uint32_t height, VkSampler sampler);
    Status upload_textures(VkCommandBuffer commands, Slot &slot);
    Status upload_vertices(Slot &slot, const ImDrawData &data);
    static const char *get_clipboard(void *user);
    static void set_clipboard(void *user, const char *text);

    vk::Device &device_;
    vk::Memory &memory_;
    ImGuiContext *context_ = nullptr;
    VkSampler smooth_ = VK_NULL_HANDLE, sharp_ = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    std::vector<VkDescriptorPool> pools_;
    std::vector<VkDescriptorSet> free_sets_;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
    std::vector<std::shared_ptr<Texture>> textures_;
    std::vector<Slot> slots_;
    bool begun_ = false;
    uint64_t events_ = 0;
    bool held_[3] = {}, clicked_[3] = {};  // buttons; a click within one frame must not be lost
    std::function<std::string()> get_clipboard_;
    std::function<void(const std::string &)> set_clipboard_;
    std::string clipboard_;
};

}  // namespace sac::panel

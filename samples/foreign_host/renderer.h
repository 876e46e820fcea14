#pragma once
// The engine's own drawing: a picture that stands before a wall, seen by a camera that moves.

#include "samples/foreign_host/frame_ring.h"
#include "samples/foreign_host/picture.h"

/// A place in the world, from which it looks along z. The picture stands at z = 0 and is one unit high.
struct Camera {
    float x = 0, y = 0, z = 0;
};

/// Where it is after that time, about the picture's middle: it sways, comes closer and goes back.
Camera camera_at(double seconds);

/// In pixels of the frame.
struct Area {
    float x1, y1, x2, y2;
};

/// Host and ring must outlive it; the device must be idle when it goes. [thread] one.
class Renderer {
public:
    Renderer(VulkanHost &host, const FrameRing &ring, uint32_t width, uint32_t height, const Picture &picture);
    ~Renderer();
    Renderer(const Renderer &) = delete;
    Renderer &operator=(const Renderer &) = delete;

    /// Records the frame's drawing: leaves its scene in SHADER_READ_ONLY_OPTIMAL for whoever reads it after the frame
    /// is drawn, and its target, the same picture, in TRANSFER_DST_OPTIMAL for what is to be laid over it.
    void draw(const Frame &frame, const Camera &camera) const;
    /// Where the picture is seen.
    Area picture_area(const Camera &camera) const;

private:
    struct Texture {
        Image image;
        VkDescriptorSet set = VK_NULL_HANDLE;
    };
    void create_render_pass();
    void create_textures(const Picture &picture);
    void create_pipeline();
    VkShaderModule create_shader(const uint32_t *words, size_t bytes) const;
    void draw_quad(VkCommandBuffer commands, const Texture &texture, const float (&rect)[4], float depth, float repeat,
                   const Camera &camera) const;

    VulkanHost &host_;
    const uint32_t width_, height_;
    float picture_width_ = 1;  // in the world, where its height is 1
    VkRenderPass render_pass_ = VK_NULL_HANDLE;
    std::vector<VkFramebuffer> framebuffers_;  // of the ring's frames
    VkSampler sampler_ = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkDescriptorPool descriptor_pool_ = VK_NULL_HANDLE;
    VkPipelineLayout pipeline_layout_ = VK_NULL_HANDLE;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
    Texture wall_, picture_;
};

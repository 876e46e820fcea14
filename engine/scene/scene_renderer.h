#pragma once
// Draws a scene's frame through Vulkan: its picture, and which object is where.

#include "compute/vk/commands.h"
#include "engine/io/image.h"
#include "engine/scene/frame.h"
#include "engine/scene/render_target.h"

namespace sac::engine {

/// Which object is seen where, and which would be if it were alone. From the same triangles, tested at the same points:
/// a pixel belongs to what lies at its middle.
struct Visibility {
    uint32_t width = 0, height = 0;
    std::vector<uint8_t> ids;        ///< a pixel: the object's index plus 1; 0 is none
    std::vector<uint16_t> coverage;  ///< a pixel: bit i is set if object i would be seen there alone
};

struct SceneRendererOptions {
    uint32_t width = 320, height = 240;
    bool smooth_edges = true;  ///< four samples a pixel
};

/// Waits for the device in each call. Nothing is allocated after the first frames. Device and memory must outlive it.
/// [thread] one at a time.
class SceneRenderer {
public:
    static Result<std::unique_ptr<SceneRenderer>> create(vk::Device &device, vk::Memory &memory,
                                                         const SceneRendererOptions &options);
    ~SceneRenderer();
    SceneRenderer(const SceneRenderer &) = delete;
    SceneRenderer &operator=(const SceneRenderer &) = delete;

    /// Either output may be null. Their memory is used again where it fits.
    Status render(const SceneFrame &frame, Image *picture, Visibility *visibility);

private:
    SceneRenderer(vk::Device &device, vk::Memory &memory, const SceneRendererOptions &options)
        : device_(device), memory_(memory), options_(options) {}
    Status create_targets();
    Status create_layouts();
    Status create_pipelines();
    Status create_meshes();
    Status upload(const SceneFrame &frame);
    void draw_meshes(VkCommandBuffer commands, VkPipeline pipeline);
    void record_picture(VkCommandBuffer commands);
    void record_visibility(VkCommandBuffer commands);
    void copy(VkCommandBuffer commands, const vk::GpuImage &image, VkDeviceSize offset);
    void read_visibility(Visibility &visibility) const;

    vk::Device &device_;
    vk::Memory &memory_;
    SceneRendererOptions options_;
    MeshSet meshes_;
    RenderTarget shadow_, picture_, ids_, coverage_;
    VkSampler sampler_ = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    VkDescriptorSet set_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline shadow_pipeline_ = VK_NULL_HANDLE, mesh_pipeline_ = VK_NULL_HANDLE, backdrop_pipeline_ = VK_NULL_HANDLE;
    VkPipeline ids_pipeline_ = VK_NULL_HANDLE, coverage_pipeline_ = VK_NULL_HANDLE;
    vk::Buffer vertices_, indices_, instances_, uniforms_, readback_;
    uint32_t first_instance_[mesh_count + 1] = {};  // of each mesh, and the end
    vk::CommandBuffer commands_;
    std::unique_ptr<vk::Timeline> timeline_;
};

}  // namespace sac::engine

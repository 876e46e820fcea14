#pragma once
// Compute pipelines made from SPIR-V, and the driver's pipeline cache on disk.

#include <algorithm>

#include "compute/vk/device.h"

namespace sac::vk {

enum class BindingKind : uint8_t { storage_buffer, storage_texel_buffer, storage_image, sampled_image };

/// What a shader declares, read from its SPIR-V (https://registry.khronos.org/SPIR-V/specs/unified1/SPIRV.html).
struct ShaderInterface {
    std::vector<BindingKind> bindings;  ///< set 0, in order of binding number, no gaps
    uint32_t push_constant_size = 0;    ///< bytes
    uint32_t shared_memory = 0;         ///< bytes, as declared
    uint32_t local_size[3] = {1, 1, 1};

    /// Whether code that binds, pushes and dispatches for one shader serves the other as well.
    bool same_for_callers(const ShaderInterface &other) const {
        return bindings == other.bindings && push_constant_size == other.push_constant_size &&
               std::equal(local_size, local_size + 3, other.local_size);
    }
};

/// Error invalid_file if the words are not SPIR-V of a compute shader or the bindings have gaps.
Result<ShaderInterface> reflect(std::span<const uint32_t> spirv);

/// Error unsupported if the shader needs more than the caps allow (invocations, bindings, shared memory, push
/// constants).
Status check_limits(const ShaderInterface &interface, const Caps &caps);

/// A compute pipeline with its layouts. Move-only.
class Pipeline {
public:
    Pipeline() = default;
    static Result<Pipeline> create(Device &device, VkPipelineCache cache, std::span<const uint32_t> spirv,
                                   const char *name);
    ~Pipeline();
    Pipeline(Pipeline &&other) noexcept;
    Pipeline &operator=(Pipeline &&other) noexcept;

    VkPipeline handle() const { return pipeline_; }
    VkPipelineLayout layout() const { return layout_; }
    VkDescriptorSetLayout set_layout() const { return set_layout_; }
    const ShaderInterface &interface() const { return interface_; }

private:
    Device *device_ = nullptr;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
    ShaderInterface interface_;
};

/// VkPipelineCache kept in a file. The file has a header of ours (magic, version, size, key, checksum); a damaged or
/// foreign one is ignored with a warning. Written to a temporary name and renamed, so that readers never see half a
/// file.
class PipelineCache {
public:
    /// `path` empty: in memory only. `key` names device, driver and the shaders' hash. Never fails on the file's
    /// account.
    static Result<PipelineCache> create(Device &device, std::string path, uint64_t key);
    ~PipelineCache();
    PipelineCache(PipelineCache &&other) noexcept;
    PipelineCache &operator=(PipelineCache &&other) noexcept;

    VkPipelineCache handle() const { return cache_; }
    bool loaded_from_file() const { return loaded_bytes_ != 0; }
    uint64_t loaded_bytes() const { return loaded_bytes_; }  ///< of the driver's data that were read from the file
    const std::string &path() const { return path_; }        ///< empty: in memory only
    Status save() const;

private:
    PipelineCache() = default;
    Device *device_ = nullptr;
    VkPipelineCache cache_ = VK_NULL_HANDLE;
    std::string path_;
    uint64_t key_ = 0;
    uint64_t loaded_bytes_ = 0;
};

/// $SACCADE_CACHE_DIR, else $XDG_CACHE_HOME/saccade, else $HOME/.cache/saccade, else %LOCALAPPDATA%\saccade\cache;
/// empty if none is set.
std::string default_cache_directory();

}  // namespace sac::vk

#pragma once
// Small compute shaders made to measure, so that tests of the Vulkan room need none of the project's kernels.

#include <utility>
#include <vector>

#include "compute/vk/memory.h"
#include "compute/vk/pipeline.h"

namespace sac::test {

struct ShaderSpec {
    uint32_t local_size[3] = {1, 1, 1};
    std::vector<std::pair<uint32_t, vk::BindingKind>> bindings = {{0, vk::BindingKind::storage_buffer}};
    uint32_t set = 0;           ///< of all bindings
    uint32_t push_words = 1;    ///< 32-bit words of push constants, at least 1
    uint32_t shared_words = 0;  ///< 32-bit words of shared memory
};

/// SPIR-V 1.3 of a shader that declares all that. If the first binding is a storage buffer it does
/// `buffer[gl_GlobalInvocationID.x] = push[0] + gl_GlobalInvocationID.x`, else nothing.
std::vector<uint32_t> make_shader(const ShaderSpec &spec);

/// Runs a pipeline once for each word of `buffer` (with a workgroup of one), and waits. The buffer is bound everywhere;
/// all bindings must be storage buffers. The first push constant is `value`, the others are 0.
Status run_shader(vk::Device &device, const vk::Pipeline &pipeline, const vk::Buffer &buffer, uint32_t value);

}  // namespace sac::test

#include "tests/support/spirv.h"

#include <initializer_list>

#include "compute/vk/commands.h"
#include "compute/vk/memory.h"

namespace sac::test {
namespace {

// Appends instructions by number (SPIR-V specification, section 3.49).
struct Writer {
    std::vector<uint32_t> words = {0x07230203, 0x00010300, 0, 0, 0};
    uint32_t next = 1;

    uint32_t id() { return next++; }
    void op(uint32_t number, std::initializer_list<uint32_t> operands) {
        words.push_back(static_cast<uint32_t>(operands.size() + 1) << 16 | number);
        words.insert(words.end(), operands);
    }
};

}  // namespace

std::vector<uint32_t> make_shader(const ShaderSpec &spec) {
    using vk::BindingKind;
    Writer w;
    const uint32_t main = w.id(), gid = w.id(), void_type = w.id(), function = w.id(), uint_type = w.id(), v3 = w.id(),
                   ptr_input_v3 = w.id(), ptr_input = w.id(), array = w.id(), block = w.id(), ptr_block = w.id(),
                   ptr_storage = w.id(), push_length = w.id(), push_array = w.id(), push_block = w.id(),
                   ptr_push_block = w.id(), ptr_push = w.id(), push = w.id(), zero = w.id(), float_type = w.id();
    const uint32_t texel = w.id(), ptr_texel = w.id(), image = w.id(), ptr_image = w.id(), sampled = w.id(),
                   combined = w.id(), ptr_combined = w.id();
    std::vector<uint32_t> variables;
    for (size_t i = 0; i < spec.bindings.size(); ++i) variables.push_back(w.id());

    w.op(17, {1});   // OpCapability Shader
    w.op(17, {47});  // ImageBuffer
    w.op(14, {0, 1});
    w.op(15, {5, main, 0x6e69616d, 0, gid});  // OpEntryPoint GLCompute "main"
    w.op(16, {main, 17, spec.local_size[0], spec.local_size[1], spec.local_size[2]});
    w.op(71, {gid, 11, 28});  // BuiltIn GlobalInvocationId
    w.op(71, {array, 6, 4});
    w.op(71, {block, 2});
    w.op(72, {block, 0, 35, 0});
    w.op(71, {push_array, 6, 4});
    w.op(71, {push_block, 2});
    w.op(72, {push_block, 0, 35, 0});
    for (size_t i = 0; i < variables.size(); ++i) {
        w.op(71, {variables[i], 34, spec.set});
        w.op(71, {variables[i], 33, spec.bindings[i].first});
    }
    w.op(19, {void_type});
    w.op(33, {function, void_type});
    w.op(21, {uint_type, 32, 0});
    w.op(22, {float_type, 32});
    w.op(23, {v3, uint_type, 3});
    w.op(32, {ptr_input_v3, 1, v3});
    w.op(32, {ptr_input, 1, uint_type});
    w.op(59, {ptr_input_v3, gid, 1});
    w.op(43, {uint_type, zero, 0});
    w.op(29, {array, uint_type});
    w.op(30, {block, array});
    w.op(32, {ptr_block, 12, block});
    w.op(32, {ptr_storage, 12, uint_type});
    w.op(43, {uint_type, push_length, spec.push_words});
    w.op(28, {push_array, uint_type, push_length});
    w.op(30, {push_block, push_array});
    w.op(32, {ptr_push_block, 9, push_block});
    w.op(32, {ptr_push, 9, uint_type});
    w.op(59, {ptr_push_block, push, 9});
    w.op(25, {texel, float_type, 5, 0, 0, 0, 2, 1});  // imageBuffer, Rgba32f
    w.op(32, {ptr_texel, 0, texel});
    w.op(25, {image, float_type, 1, 0, 0, 0, 2, 1});  // image2D, Rgba32f
    w.op(32, {ptr_image, 0, image});
    w.op(25, {sampled, float_type, 1, 0, 0, 0, 1, 0});
    w.op(27, {combined, sampled});
    w.op(32, {ptr_combined, 0, combined});
    for (size_t i = 0; i < variables.size(); ++i) {
        switch (spec.bindings[i].second) {
            case BindingKind::storage_buffer: w.op(59, {ptr_block, variables[i], 12}); break;
            case BindingKind::storage_texel_buffer: w.op(59, {ptr_texel, variables[i], 0}); break;
            case BindingKind::storage_image: w.op(59, {ptr_image, variables[i], 0}); break;
            case BindingKind::sampled_image: w.op(59, {ptr_combined, variables[i], 0}); break;
        }
    }
    if (spec.shared_words) {
        const uint32_t length = w.id(), shared = w.id(), ptr_shared = w.id(), variable = w.id();
        w.op(43, {uint_type, length, spec.shared_words});
        w.op(28, {shared, uint_type, length});
        w.op(32, {ptr_shared, 4, shared});
        w.op(59, {ptr_shared, variable, 4});
    }
    w.op(54, {void_type, main, 0, function});
    w.op(248, {w.id()});
    if (!variables.empty() && spec.bindings[0].second == BindingKind::storage_buffer) {
        const uint32_t at_gid = w.id(), x = w.id(), at_push = w.id(), value = w.id(), sum = w.id(), at_out = w.id();
        w.op(65, {ptr_input, at_gid, gid, zero});
        w.op(61, {uint_type, x, at_gid});
        w.op(65, {ptr_push, at_push, push, zero, zero});
        w.op(61, {uint_type, value, at_push});
        w.op(128, {uint_type, sum, value, x});
        w.op(65, {ptr_storage, at_out, variables[0], zero, x});
        w.op(62, {at_out, sum});
    }
    w.op(253, {});
    w.op(56, {});
    w.words[3] = w.next;
    return w.words;
}

Status run_shader(vk::Device &device, const vk::Pipeline &pipeline, const vk::Buffer &buffer, uint32_t value) {
    const vk::DeviceFunctions &fn = device.fn();
    const auto bindings = static_cast<uint32_t>(pipeline.interface().bindings.size());
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, bindings};
    VkDescriptorPoolCreateInfo pool_info = {};
    pool_info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    pool_info.maxSets = 1;
    pool_info.poolSizeCount = 1;
    pool_info.pPoolSizes = &size;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    SAC_VK(fn.CreateDescriptorPool(device.handle(), &pool_info, nullptr, &pool), "creating a descriptor pool");
    const auto run = [&]() -> Status {
        const VkDescriptorSetLayout layout = pipeline.set_layout();
        VkDescriptorSetAllocateInfo set_info = {};
        set_info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
        set_info.descriptorPool = pool;
        set_info.descriptorSetCount = 1;
        set_info.pSetLayouts = &layout;
        VkDescriptorSet set = VK_NULL_HANDLE;
        SAC_VK(fn.AllocateDescriptorSets(device.handle(), &set_info, &set), "allocating a descriptor set");
        const VkDescriptorBufferInfo range = {buffer.handle(), 0, VK_WHOLE_SIZE};
        for (uint32_t i = 0; i < bindings; ++i) {
            VkWriteDescriptorSet write = {};
            write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
            write.dstSet = set;
            write.dstBinding = i;
            write.descriptorCount = 1;
            write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
            write.pBufferInfo = &range;
            fn.UpdateDescriptorSets(device.handle(), 1, &write, 0, nullptr);
        }
        std::vector<uint32_t> push(pipeline.interface().push_constant_size / 4, 0);
        if (!push.empty()) push[0] = value;
        return vk::run_once(
            device,
            [&](VkCommandBuffer commands) -> Status {
                fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
                fn.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0, 1, &set, 0,
                                         nullptr);
                if (!push.empty())
                    fn.CmdPushConstants(commands, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                        static_cast<uint32_t>(push.size() * 4), push.data());
                fn.CmdDispatch(commands, static_cast<uint32_t>(buffer.size() / 4), 1, 1);
                return {};
            },
            "test shader");
    };
    Status status = run();
    fn.DestroyDescriptorPool(device.handle(), pool, nullptr);
    return status;
}

}  // namespace sac::test

#include "compute/session_resources.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "compute/base/half.h"
#include "compute/base/parallel.h"

namespace sac {

namespace {

constexpr uint64_t upload_chunk = uint64_t{16} << 20;

void memory_barrier(const vk::DeviceFunctions &fn, VkCommandBuffer commands, VkPipelineStageFlags from,
                    VkAccessFlags from_access, VkPipelineStageFlags to, VkAccessFlags to_access) {
    VkMemoryBarrier barrier = {};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = from_access;
    barrier.dstAccessMask = to_access;
    fn.CmdPipelineBarrier(commands, from, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

/// The values from `first` on as elements of `type`, with zeros after the last.
void encode(std::span<const float> values, DType type, uint64_t first, std::span<std::byte> out) {
    const size_t begin = std::min<size_t>(first, values.size());
    const size_t count = std::min<size_t>(out.size() / size_of(type), values.size() - begin);
    if (type == DType::f16) {
        auto *halves = reinterpret_cast<uint16_t *>(out.data());
        for (size_t i = 0; i < count; ++i) halves[i] = float_to_half(values[begin + i]);
    } else if (count) {
        std::memcpy(out.data(), values.data() + begin, count * sizeof(float));
    }
    const auto rest = out.subspan(count * size_of(type));
    std::memset(rest.data(), 0, rest.size());
}

PlanPlace end_of(const Plan &plan) { return {static_cast<uint32_t>(plan.dispatches.size()), 0}; }

}  // namespace

Result<std::unique_ptr<SessionResources>> SessionResources::create(Runtime &runtime, Plan &plan, bool profile) {
    std::unique_ptr<SessionResources> resources(new SessionResources(runtime));
    SAC_TRY(resources->create_buffers(plan));
    SAC_TRY(resources->upload(plan));
    SAC_TRY(resources->bind(plan));
    resources->profile_ = profile && runtime.device.caps().timestamps;
    if (resources->profile_) {
        const auto count = static_cast<uint32_t>(plan.dispatches.size() + 1);
        SAC_ASSIGN(resources->stamps, vk::Timestamps::create(runtime.device, count));
    }
    SAC_ASSIGN(resources->commands, vk::CommandBuffer::create(runtime.device, "session"));
    SAC_TRY(resources->record_whole(plan));
    return resources;
}

SessionResources::~SessionResources() { unbind(); }

void SessionResources::unbind() {
    const vk::DeviceFunctions &fn = runtime_.device.fn();
    const VkDevice device = runtime_.device.handle();
    for (const VkBufferView view : views_)
        if (view) fn.DestroyBufferView(device, view, nullptr);
    if (pool_) fn.DestroyDescriptorPool(device, pool_, nullptr);
    views_.clear();
    steps_.clear();
    pool_ = VK_NULL_HANDLE;
}

Status SessionResources::rebind(const Plan &plan) {
    unbind();
    Status status = bind(plan);
    if (status) status = record_whole(plan);
    if (!status) unbind();
    return status;
}

Status SessionResources::create_buffers(const Plan &plan) {
    for (const Plan::BufferSpec &spec : plan.buffers) {
        auto buffer = vk::Buffer::create(runtime_.device, runtime_.memory, spec.bytes, vk::tensor_usage,
                                         vk::MemoryUse::device, spec.name.c_str());
        if (!buffer) return std::move(buffer).error().with_context(plan.graph.source);
        buffers_.push_back(std::move(buffer).value());
    }
    const auto largest = [&](const std::vector<ValueId> &ids) {
        uint64_t bytes = 16;
        for (const ValueId id : ids) bytes = std::max(bytes, plan.storages[plan.value_storage[id]].bytes);
        return bytes;
    };
    SAC_ASSIGN(staging, vk::Buffer::create(runtime_.device, runtime_.memory, largest(plan.graph.inputs),
                                           VK_BUFFER_USAGE_TRANSFER_SRC_BIT, vk::MemoryUse::upload, "session upload"));
    SAC_ASSIGN(readback,
               vk::Buffer::create(runtime_.device, runtime_.memory, largest(plan.graph.outputs),
                                  VK_BUFFER_USAGE_TRANSFER_DST_BIT, vk::MemoryUse::readback, "session readback"));
    return {};
}

/// Through one staging buffer: as many uploads at a time as it holds, packed and encoded on all cores; one that is
/// larger, in several goes.
Status SessionResources::upload(Plan &plan) {
    const auto type_of = [&](const Upload &item) { return plan.storages[item.storage].dtype; };
    const auto bytes_of = [&](const Upload &item) { return item.count * size_of(type_of(item)); };
    uint64_t total = 0;
    for (const Upload &item : plan.uploads) total += bytes_of(item);
    if (!total) return {};
    SAC_ASSIGN(const vk::Buffer chunk,
               vk::Buffer::create(runtime_.device, runtime_.memory, std::min(total, upload_chunk),
                                  VK_BUFFER_USAGE_TRANSFER_SRC_BIT, vk::MemoryUse::upload, "weights upload"));
    struct Piece {
        Upload *item;
        uint64_t first, count;  // elements of the item
        uint64_t at;            // byte of the chunk
    };
    std::vector<Piece> pieces;
    const auto copy = [&](VkCommandBuffer cmd) -> Status {
        for (const Piece &piece : pieces) {
            const Storage &storage = plan.storages[piece.item->storage];
            const uint64_t size = size_of(storage.dtype);
            const VkBufferCopy region = {piece.at, storage.offset + (piece.item->first + piece.first) * size,
                                         piece.count * size};
            runtime_.device.fn().CmdCopyBuffer(cmd, chunk.handle(), buffers_[storage.buffer].handle(), 1, &region);
        }
        return {};
    };
    const auto room = [&](const Piece &piece) {
        return std::span(chunk.mapped<std::byte>() + piece.at, piece.count * size_of(type_of(*piece.item)));
    };
    for (size_t next = 0; next < plan.uploads.size();) {
        pieces.clear();
        uint64_t filled = 0;
        for (; next < plan.uploads.size() && filled + bytes_of(plan.uploads[next]) <= chunk.size(); ++next) {
            pieces.push_back({&plan.uploads[next], 0, plan.uploads[next].count, filled});
            filled += bytes_of(plan.uploads[next]);
        }
        if (!pieces.empty()) {
            for_each_parallel(pieces.size(), [&](size_t i) {
                const auto pack = std::move(pieces[i].item->pack);  // what it owns goes with it
                encode(pack(), type_of(*pieces[i].item), 0, room(pieces[i]));
            });
            SAC_TRY(vk::run_once(runtime_.device, copy, "weights upload"));
            continue;
        }
        Upload &large = plan.uploads[next++];
        const std::vector<float> values = large.pack();
        const uint64_t most = chunk.size() / size_of(type_of(large));
        for (uint64_t first = 0; first < large.count; first += most) {
            pieces = {{&large, first, std::min(most, large.count - first), 0}};
            encode(values, type_of(large), first, room(pieces[0]));
            SAC_TRY(vk::run_once(runtime_.device, copy, "weights upload"));
        }
    }
    plan.uploads.clear();
    plan.uploads.shrink_to_fit();
    return {};
}

Status SessionResources::bind(const Plan &plan) {
    std::vector<std::string_view> kernels;
    for (const Dispatch &dispatch : plan.dispatches) kernels.push_back(dispatch.kernel);
    if (Status built = runtime_.kernels->build(kernels); !built.ok())
        return std::move(built).error().with_context(plan.graph.source);
    views_.assign(plan.storages.size(), VK_NULL_HANDLE);
    uint32_t buffers = 0, texels = 0;
    for (const Dispatch &dispatch : plan.dispatches) {
        const std::string where = dispatch.node < plan.graph.nodes.size()
                                      ? plan.graph.source + ": " + plan.graph.nodes[dispatch.node].describe()
                                      : plan.graph.source;
        auto kernel = runtime_.kernels->get(dispatch.kernel);
        if (!kernel) return std::move(kernel).error().with_context(where);
        const vk::ShaderInterface &shader = (*kernel)->pipeline.interface();
        if (shader.bindings.size() != dispatch.bindings.size() || shader.push_constant_size != dispatch.push_size)
            return Error(Code::internal,
                         where + ": kernel " + dispatch.kernel + " takes " + std::to_string(shader.bindings.size()) +
                             " bindings and " + std::to_string(shader.push_constant_size) + " bytes, and is given " +
                             std::to_string(dispatch.bindings.size()) + " and " + std::to_string(dispatch.push_size));
        for (const vk::BindingKind kind : shader.bindings)
            ++(kind == vk::BindingKind::storage_texel_buffer ? texels : buffers);
        steps_.push_back(
            {*kernel, VK_NULL_HANDLE,
             dispatch.node < plan.graph.nodes.size() ? plan.graph.nodes[dispatch.node].describe() : dispatch.kernel});
    }
    if (steps_.empty()) return {};

    const vk::DeviceFunctions &fn = runtime_.device.fn();
    const VkDevice device = runtime_.device.handle();
    const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, std::max(buffers, 1u)},
                                          {VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, std::max(texels, 1u)}};
    VkDescriptorPoolCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
    info.maxSets = static_cast<uint32_t>(steps_.size());
    info.poolSizeCount = 2;
    info.pPoolSizes = sizes;
    SAC_VK(fn.CreateDescriptorPool(device, &info, nullptr, &pool_), plan.graph.source + ": creating descriptor sets");
    for (size_t i = 0; i < steps_.size(); ++i) {
        const VkDescriptorSetLayout layout = steps_[i].kernel->pipeline.set_layout();
        VkDescriptorSetAllocateInfo allocate = {};
        allocate.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
        allocate.descriptorPool = pool_;
        allocate.descriptorSetCount = 1;
        allocate.pSetLayouts = &layout;
        SAC_VK(fn.AllocateDescriptorSets(device, &allocate, &steps_[i].set),
               plan.graph.source + ": creating a descriptor set");
        SAC_TRY(write_set(plan, plan.dispatches[i], *steps_[i].kernel, steps_[i].set));
    }
    return {};
}

Result<VkBufferView> SessionResources::view_of(const Plan &plan, StorageId id) {
    if (views_[id]) return views_[id];
    const Storage &storage = plan.storages[id];
    const uint64_t texels = storage.bytes / (4 * size_of(storage.dtype));
    if (texels > runtime_.device.caps().limits.maxTexelBufferElements)
        return Error(Code::internal, plan.graph.source + ": tensor '" + storage.name +
                                         "' has more texels than the "
                                         "device's views hold");
    VkBufferViewCreateInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO;
    info.buffer = buffers_[storage.buffer].handle();
    info.format = storage.dtype == DType::f16 ? VK_FORMAT_R16G16B16A16_SFLOAT : VK_FORMAT_R32G32B32A32_SFLOAT;
    info.offset = storage.offset;
    info.range = storage.bytes;
    const vk::Device &device = runtime_.device;
    SAC_VK(device.fn().CreateBufferView(device.handle(), &info, nullptr, &views_[id]),
           plan.graph.source + ": viewing tensor '" + storage.name + "'");
    device.set_name(VK_OBJECT_TYPE_BUFFER_VIEW, reinterpret_cast<uint64_t>(views_[id]), storage.name.c_str());
    return views_[id];
}

Status SessionResources::write_set(const Plan &plan, const Dispatch &dispatch, const Kernel &kernel,
                                   VkDescriptorSet set) {
    const auto &kinds = kernel.pipeline.interface().bindings;
    std::vector<VkDescriptorBufferInfo> buffers(kinds.size());
    std::vector<VkBufferView> views(kinds.size(), VK_NULL_HANDLE);
    std::vector<VkWriteDescriptorSet> writes(kinds.size());
    for (size_t i = 0; i < kinds.size(); ++i) {
        const StorageId id = dispatch.bindings[i].storage;
        const Storage &storage = plan.storages[id];
        writes[i] = {};
        writes[i].sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
        writes[i].dstSet = set;
        writes[i].dstBinding = static_cast<uint32_t>(i);
        writes[i].descriptorCount = 1;
        if (kinds[i] == vk::BindingKind::storage_texel_buffer) {
            SAC_ASSIGN(views[i], view_of(plan, id));
            writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
            writes[i].pTexelBufferView = &views[i];
        } else if (kinds[i] == vk::BindingKind::storage_buffer) {
            buffers[i] = {buffers_[storage.buffer].handle(), storage.offset, storage.bytes};
            writes[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
            writes[i].pBufferInfo = &buffers[i];
        } else {
            return Error(Code::internal, plan.graph.source + ": kernel " + dispatch.kernel + " binds images");
        }
    }
    runtime_.device.fn().UpdateDescriptorSets(runtime_.device.handle(), static_cast<uint32_t>(writes.size()),
                                              writes.data(), 0, nullptr);
    return {};
}

void SessionResources::record_copies(VkCommandBuffer cmd, const Plan &plan, std::span<const Observation::Copy> copies) {
    if (copies.empty()) return;
    const vk::DeviceFunctions &fn = runtime_.device.fn();
    const vk::ScopedLabel label(runtime_.device, cmd, "copies of tensors");
    memory_barrier(fn, cmd, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT,
                   VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
    for (const Observation::Copy &copy : copies) {
        const Storage &storage = plan.storages[copy.storage];
        const VkBufferCopy region = {storage.offset, 0, storage.bytes};
        fn.CmdCopyBuffer(cmd, buffers_[storage.buffer].handle(), copy.to, 1, &region);
    }
    // Later dispatches may write over what was read; the host reads what was written.
    memory_barrier(fn, cmd, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

void SessionResources::record(VkCommandBuffer cmd, const Plan &plan, PlanPlace first, PlanPlace last,
                              Recording recording, const Observation &observation) {
    const vk::DeviceFunctions &fn = runtime_.device.fn();
    auto copies = observation.copies;
    const auto copy_after = [&](uint32_t done) {
        size_t count = 0;
        while (count < copies.size() && copies[count].after <= done) ++count;
        record_copies(cmd, plan, copies.first(count));
        copies = copies.subspan(count);
    };
    if (first == PlanPlace()) copy_after(0);
    while (!copies.empty() && copies[0].after <= first.dispatch) copies = copies.subspan(1);
    constexpr VkAccessFlags shader = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
    memory_barrier(fn, cmd, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT,
                   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, shader);
    const Kernel *bound = nullptr;
    uint32_t stamp = observation.first_stamp;
    for (PlanPlace at = first; at < last; at = {at.dispatch + 1, 0}) {
        const uint32_t i = at.dispatch;
        const Dispatch &dispatch = plan.dispatches[i];
        const Step &step = steps_[i];
        assert(step.kernel);
        const vk::ScopedLabel label(runtime_.device, cmd, step.label.c_str());
        if (plan.barrier_before[i] && i > first.dispatch)
            memory_barrier(fn, cmd, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                           VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, shader);
        if (observation.stamps) observation.stamps->write(cmd, stamp++);
        const vk::Pipeline &pipeline = step.kernel->pipeline;
        if (step.kernel != bound) fn.CmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
        bound = step.kernel;
        fn.CmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(), 0, 1, &step.set, 0, nullptr);
        fn.CmdPushConstants(cmd, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, dispatch.push_size,
                            dispatch.push.data());
        const uint32_t group_base = dispatch.push[0] + at.group;
        if (at.group > 0)
            fn.CmdPushConstants(cmd, pipeline.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof group_base, &group_base);
        auto groups = recording == Recording::warm_up ? std::array<uint32_t, 3>{1, 1, 1} : dispatch.groups;
        const bool cut = i == last.dispatch;
        if (recording == Recording::run) groups[0] = (cut ? last.group : dispatch.groups[0]) - at.group;
        fn.CmdDispatch(cmd, groups[0], groups[1], groups[2]);
        if (!cut) copy_after(i + 1);
    }
    if (observation.stamps) observation.stamps->write(cmd, stamp);
}

Status SessionResources::record_whole(const Plan &plan) {
    SAC_TRY(commands.begin(false));
    if (profile_) stamps.reset(commands.handle());
    Observation observation;
    if (profile_) observation.stamps = &stamps;
    record(commands.handle(), plan, {}, end_of(plan), Recording::run, observation);
    return commands.end();
}

Status SessionResources::warm_up(const Plan &plan) {
    const auto zero_then_run = [&](VkCommandBuffer cmd) -> Status {
        for (size_t i = 0; i < plan.buffers.size(); ++i) {
            if (plan.buffers[i].kind == Storage::Kind::activation)
                runtime_.device.fn().CmdFillBuffer(cmd, buffers_[i].handle(), 0, VK_WHOLE_SIZE, 0);
        }
        for (const ValueId id : plan.graph.inputs) {
            const Storage &input = plan.storages[plan.value_storage[id]];
            runtime_.device.fn().CmdFillBuffer(cmd, buffers_[input.buffer].handle(), input.offset, input.bytes, 0);
        }
        record(cmd, plan, {}, end_of(plan), Recording::warm_up);
        return {};
    };
    return vk::run_once(runtime_.device, zero_then_run, "warm-up");
}

}  // namespace sac

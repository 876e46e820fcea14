#pragma once
// What a session holds on its device, and the commands made of it. Private to compute/session*.cpp.

#include "compute/session.h"

namespace sac {

/// Buffers, descriptor sets and the recorded commands of a plan. Its destruction must come after the device's last use:
/// the session gives it to the runtime's retire queue.
class SessionResources {
public:
    /// Makes buffers, uploads the weights, builds pipelines and writes descriptor sets. Takes plan.uploads.
    static Result<std::unique_ptr<SessionResources>> create(Runtime &runtime, Plan &plan, bool profile);
    ~SessionResources();
    SessionResources(const SessionResources &) = delete;
    SessionResources &operator=(const SessionResources &) = delete;

    enum class Recording {
        run,
        warm_up,  ///< one workgroup of each dispatch: enough for a driver to compile what it has put off
    };
    /// What lies in [first, last) of `plan`; see Session::record.
    void record(VkCommandBuffer commands, const Plan &plan, PlanPlace first, PlanPlace last, Recording recording,
                const Observation &observation = {});
    /// Zeroes inputs and activations and dispatches every pipeline, bound as it will be; waits.
    Status warm_up(const Plan &plan);
    /// Records the whole plan into `commands`, which run() submits.
    Status record_whole(const Plan &plan);

    /// Makes descriptor sets and commands anew after a hot reload. The device is idle then (see reload_changed).
    Status rebind(const Plan &plan);
    /// False after a rebind that failed: nothing can be recorded until one succeeds.
    bool bound(const Plan &plan) const { return steps_.size() == plan.dispatches.size(); }

    VkBuffer buffer_of(const Plan &plan, StorageId storage) const {
        return buffers_[plan.storages[storage].buffer].handle();
    }

    vk::CommandBuffer commands;
    vk::Timestamps stamps;
    vk::Buffer staging, readback;  ///< of the largest input / output, for host access

private:
    explicit SessionResources(Runtime &runtime) : runtime_(runtime) {}
    Status create_buffers(const Plan &plan);
    Status upload(Plan &plan);
    Status bind(const Plan &plan);
    void unbind();
    Status write_set(const Plan &plan, const Dispatch &dispatch, const Kernel &kernel, VkDescriptorSet set);
    Result<VkBufferView> view_of(const Plan &plan, StorageId storage);
    void record_copies(VkCommandBuffer commands, const Plan &plan, std::span<const Observation::Copy> copies);

    struct Step {
        const Kernel *kernel = nullptr;
        VkDescriptorSet set = VK_NULL_HANDLE;
        std::string label;
    };

    Runtime &runtime_;
    bool profile_ = false;
    std::vector<vk::Buffer> buffers_;  ///< by Plan::buffers
    std::vector<VkBufferView> views_;  ///< by storage, null where none is needed
    VkDescriptorPool pool_ = VK_NULL_HANDLE;
    std::vector<Step> steps_;  ///< by dispatch
};

}  // namespace sac

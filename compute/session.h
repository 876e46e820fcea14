#pragma once
// The façade of compute: load a model, then run it or record it.
//   auto runtime = Runtime::create(*device, options);
//   auto session = Session::load(*runtime, "model.onnx", {});
//   session->write_input("image", pixels);  session->run();  session->read_output("scores");

#include "compute/graph/passes.h"
#include "compute/session_slices.h"

namespace sac {

struct RuntimeOptions {
    /// Folder of the pipeline cache; nullopt: vk::default_cache_directory(); empty: no cache on disk.
    std::optional<std::string> cache_directory;
};

/// What sessions on one device share: memory, kernels, the timeline and what waits to be destroyed.
/// [thread] one at a time, but for timeline and retire.
struct Runtime {
    static Result<std::unique_ptr<Runtime>> create(vk::Device &device, const RuntimeOptions &options);
    ~Runtime();

    vk::Device &device;
    vk::Memory memory;
    std::unique_ptr<KernelTable> kernels;
    std::unique_ptr<vk::Timeline> timeline;
    std::unique_ptr<vk::RetireQueue> retire;

private:
    explicit Runtime(vk::Device &d) : device(d), memory(d) {}
};

struct SessionOptions {
    DType storage = DType::f32;                              ///< f32 or f16 activations and weights
    std::map<std::string, int64_t, std::less<>> dimensions;  ///< values of symbolic dimensions
    IoFormats formats;                                       ///< of inputs and outputs; default dense f32
    Tuning tuning;                                           ///< winners of measurements on this device; empty: none
    bool profile = false;                                    ///< record timestamps round every dispatch
};

/// The phases from a graph as import gives it to a plan for a device: bind_dimensions ... plan_memory.
Result<Plan> make_plan(Graph graph, const vk::Caps &caps, const KernelTable &kernels, const SessionOptions &options);

/// An input or output of a session.
struct TensorInfo {
    std::string name;
    Shape shape;
    Layout layout = Layout::dense;
    DType storage = DType::f32;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0, bytes = 0;  ///< padding included
};

/// What a recording does besides running the plan: for tools that look inside.
struct Observation {
    /// A copy of a storage, once the first `after` dispatches are done: before its memory is used again. 0: as it is
    /// when the plan begins (inputs).
    struct Copy {
        StorageId storage = 0;
        uint32_t after = 0;
        VkBuffer to = VK_NULL_HANDLE;  ///< of the storage's bytes, with VK_BUFFER_USAGE_TRANSFER_DST_BIT
    };
    std::span<const Copy> copies;  ///< in the order of `after`
    /// Null, or room for a stamp before each dispatch of the recording and one after the last. The caller resets them.
    vk::Timestamps *stamps = nullptr;
};

/// Where the time of the last profiled run went.
struct DispatchTime {
    size_t dispatch = 0;
    double nanoseconds = 0;
};

/// A network on a device. Weights are uploaded, pipelines built and dispatched once when load() returns.
/// [thread] one at a time.
class Session {
public:
    /// Error: names the file and node. `path` is an .onnx file; external data must lie inside its folder.
    static Result<std::unique_ptr<Session>> load(Runtime &runtime, const std::string &path,
                                                 const SessionOptions &options);
    /// From a graph as import gives it (tests, networks made in memory).
    static Result<std::unique_ptr<Session>> load(Runtime &runtime, Graph graph, const SessionOptions &options);
    /// From a plan as make_plan gives it for this runtime's device; of `options` only `profile` counts.
    static Result<std::unique_ptr<Session>> load(Runtime &runtime, Plan plan, const SessionOptions &options);
    ~Session();  ///< waits for nothing: the buffers retire with the timeline

    std::span<const TensorInfo> inputs() const;
    std::span<const TensorInfo> outputs() const;
    const TensorInfo *find(std::string_view name) const;  ///< an input or output, or null
    const Plan &plan() const;
    uint32_t dispatch_count() const;

    /// Records dispatches [first, last) with their barriers, and one barrier before the first against everything
    /// earlier on the queue. The buffer may be a host's. Nothing is submitted. No heap allocation. Copies of an
    /// observation that belong between them are made visible to the host.
    Status record(VkCommandBuffer commands, uint32_t first, uint32_t last, const Observation &observation = {}) const {
        return record(commands, PlanPlace{first, 0}, PlanPlace{last, 0}, observation);
    }
    /// The same of a slice. A dispatch that ends in a later slice takes a stamp in each; tensors are copied in the
    /// slice in which they become complete.
    Status record(VkCommandBuffer commands, PlanPlace first, PlanPlace last, const Observation &observation = {}) const;
    /// Where to cut the plan into slices. Who records slices tells it what they took. [thread] any
    DispatchCosts &costs() const;
    PlanPlace end() const { return {dispatch_count(), 0}; }

    /// Host access, waiting: for tests, tools and loading. Dense f32 (or the input's storage), ONNX order and shape;
    /// conversion from and to the session's format is done here.
    Status write_input(std::string_view name, std::span<const float> values);
    Status run();  ///< submits the whole plan and waits
    /// Submits what comes next of the plan and should take at most `budget_us` of the device's time (one workgroup in
    /// any case), and waits. True: the plan is done, the next call begins it anew. Inputs must stay as they are until
    /// then. No heap allocation after the first call.
    Result<bool> run_slice(double budget_us);
    void restart();  ///< the next slice is the plan's first
    /// The device's time of the last slice in microseconds; without timestamps from submit to done.
    double last_slice_us() const;
    Result<std::vector<float>> read_output(std::string_view name);
    /// One entry a dispatch of the last run(); empty without SessionOptions::profile or a device with timestamps.
    const std::vector<DispatchTime> &last_profile() const;

    /// Re-records after kernels were reloaded; called by run(), and by others before they record.
    Status refresh();

private:
    struct State;
    explicit Session(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sac

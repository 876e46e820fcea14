#include "compute/session.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "compute/base/half.h"
#include "compute/onnx/import.h"
#include "compute/ops/builtin_ops.h"
#include "compute/session_resources.h"

namespace sac {

namespace {

/// Calls visit(i, k) for every element: i in ONNX order, k where it lies in `layout`.
template <class Visit>
void for_each_element(const Shape &shape, Layout layout, Visit visit) {
    const auto count = static_cast<size_t>(element_count(shape));
    if (layout == Layout::dense) {
        for (size_t i = 0; i < count; ++i) visit(i, i);
        return;
    }
    const auto batch = static_cast<size_t>(shape[0]), channels = static_cast<size_t>(shape[1]);
    const auto pitch = static_cast<size_t>(round_up(shape[1], 4));
    const size_t pixels = count / (batch * channels);
    for (size_t n = 0, i = 0; n < batch; ++n)
        for (size_t c = 0; c < channels; ++c)
            for (size_t p = 0; p < pixels; ++p, ++i) visit(i, (n * pixels + p) * pitch + c);
}

void encode(std::span<const float> values, const TensorInfo &info, void *out) {
    std::memset(out, 0, info.bytes);  // pad lanes are zero
    if (info.storage == DType::f16) {
        auto *halves = static_cast<uint16_t *>(out);
        for_each_element(info.shape, info.layout, [&](size_t i, size_t k) { halves[k] = float_to_half(values[i]); });
    } else {
        auto *floats = static_cast<float *>(out);
        for_each_element(info.shape, info.layout, [&](size_t i, size_t k) { floats[k] = values[i]; });
    }
}

std::vector<float> decode(const void *data, const TensorInfo &info) {
    std::vector<float> values(static_cast<size_t>(element_count(info.shape)));
    if (info.storage == DType::f16) {
        const auto *halves = static_cast<const uint16_t *>(data);
        for_each_element(info.shape, info.layout, [&](size_t i, size_t k) { values[i] = half_to_float(halves[k]); });
    } else {
        const auto *floats = static_cast<const float *>(data);
        for_each_element(info.shape, info.layout, [&](size_t i, size_t k) { values[i] = floats[k]; });
    }
    return values;
}

/// Copies between buffers, after everything before it on the queue and before the host's reads; waits.
Status copy_and_wait(vk::Device &device, VkBuffer from, VkDeviceSize from_offset, VkBuffer to, VkDeviceSize to_offset,
                     VkDeviceSize bytes, const char *name) {
    const auto record = [&](VkCommandBuffer commands) -> Status {
        VkMemoryBarrier barrier = {};
        barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
        barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
        barrier.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
        const vk::DeviceFunctions &fn = device.fn();
        fn.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1,
                              &barrier, 0, nullptr, 0, nullptr);
        const VkBufferCopy region = {from_offset, to_offset, bytes};
        fn.CmdCopyBuffer(commands, from, to, 1, &region);
        barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
        barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
        fn.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                              nullptr, 0, nullptr);
        return {};
    };
    return vk::run_once(device, record, name);
}

/// The submission that was to reach `value` failed, and others may wait for it: the host reaches it instead, once all
/// before it is done.
void give_up(Runtime &runtime, uint64_t value) {
    constexpr uint64_t one_second = 1'000'000'000;
    if (!runtime.timeline->wait(value - 1, one_second)) return;
    VkSemaphoreSignalInfo info = {};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    info.semaphore = runtime.timeline->handle();
    info.value = value;
    (void)runtime.device.fn().SignalSemaphore(runtime.device.handle(), &info);
}

/// Workgroups that run at once at least: on a CPU one each core. Of a GPU nobody knows, and it matters less.
uint32_t side_by_side(const vk::Caps &caps) { return caps.is_cpu ? std::thread::hardware_concurrency() : 1; }

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::create(vk::Device &device, const RuntimeOptions &options) {
    std::unique_ptr<Runtime> runtime(new Runtime(device));
    const std::string folder = options.cache_directory.value_or(vk::default_cache_directory());
    SAC_ASSIGN(runtime->kernels, KernelTable::create(device, folder));
    SAC_ASSIGN(runtime->timeline, vk::Timeline::create(device, "sessions"));
    runtime->retire = std::make_unique<vk::RetireQueue>(*runtime->timeline);
    return runtime;
}

Runtime::~Runtime() = default;

Result<Plan> make_plan(Graph graph, const vk::Caps &caps, const KernelTable &kernels, const SessionOptions &options) {
    SAC_TRY(bind_dimensions(graph, options.dimensions));
    SAC_TRY(infer_shapes(graph, find_builtin_operator));
    fold(graph);
    fuse(graph);
    SAC_TRY(assign_layouts(graph, find_builtin_operator, options.storage, options.formats));
    SAC_ASSIGN(Plan plan, choose_kernels(std::move(graph), find_builtin_operator, caps, kernels, options.tuning));
    SAC_TRY(plan_memory(plan, caps));
    return plan;
}

/// What run_slice needs, made when it is first called.
struct SliceRun {
    vk::CommandBuffer commands;
    vk::Timestamps stamps;
    std::vector<double> nanoseconds;
    PlanPlace next;
    double last_us = 0;
};

struct Session::State {
    State(Runtime &r, Plan p) : runtime(r), plan(std::move(p)), costs(plan, side_by_side(r.device.caps())) {}
    Status submit_and_wait(VkCommandBuffer commands);

    TensorInfo describe(ValueId id) const {
        const Value &value = plan.graph.values[id];
        const StorageId storage = plan.value_storage[id];
        return {value.name,
                value.shape,
                value.layout,
                value.storage,
                resources->buffer_of(plan, storage),
                plan.storages[storage].offset,
                plan.storages[storage].bytes};
    }

    Runtime &runtime;
    Plan plan;
    DispatchCosts costs;
    std::optional<SliceRun> slices;
    bool profile = false;
    bool lost = false;        ///< the device: nothing is pending any more
    uint64_t generation = 0;  ///< of the kernels that `resources` were made with
    std::unique_ptr<SessionResources> resources;
    std::vector<TensorInfo> inputs, outputs;
    std::vector<DispatchTime> times;
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}

Session::~Session() {
    Runtime &runtime = state_->runtime;
    const uint64_t last_use = state_->lost ? 0 : runtime.timeline->issued();
    runtime.retire->retire(last_use, std::move(state_->resources));
    runtime.retire->collect();
}

Result<std::unique_ptr<Session>> Session::load(Runtime &runtime, const std::string &path,
                                               const SessionOptions &options) {
    SAC_ASSIGN(Graph graph, onnx::import_file(path));
    return load(runtime, std::move(graph), options);
}

Result<std::unique_ptr<Session>> Session::load(Runtime &runtime, Graph graph, const SessionOptions &options) {
    SAC_ASSIGN(Plan plan, make_plan(std::move(graph), runtime.device.caps(), *runtime.kernels, options));
    return load(runtime, std::move(plan), options);
}

Result<std::unique_ptr<Session>> Session::load(Runtime &runtime, Plan plan, const SessionOptions &options) {
    assert(check_hazards(plan).empty());
    auto state = std::make_unique<State>(runtime, std::move(plan));
    SAC_ASSIGN(state->resources, SessionResources::create(runtime, state->plan, options.profile));
    state->profile = options.profile && runtime.device.caps().timestamps;
    state->generation = runtime.kernels->generation();
    SAC_TRY(state->resources->warm_up(state->plan));
    runtime.kernels->save_cache();
    for (const ValueId id : state->plan.graph.inputs) state->inputs.push_back(state->describe(id));
    for (const ValueId id : state->plan.graph.outputs) state->outputs.push_back(state->describe(id));
    return std::unique_ptr<Session>(new Session(std::move(state)));
}

std::span<const TensorInfo> Session::inputs() const { return state_->inputs; }
std::span<const TensorInfo> Session::outputs() const { return state_->outputs; }
const Plan &Session::plan() const { return state_->plan; }
uint32_t Session::dispatch_count() const { return static_cast<uint32_t>(state_->plan.dispatches.size()); }
const std::vector<DispatchTime> &Session::last_profile() const { return state_->times; }

const TensorInfo *Session::find(std::string_view name) const {
    for (const auto *list : {&state_->inputs, &state_->outputs})
        for (const TensorInfo &info : *list)
            if (info.name == name) return &info;
    return nullptr;
}

Status Session::record(VkCommandBuffer commands, PlanPlace first, PlanPlace last,
                       const Observation &observation) const {
    const auto inside = [&](PlanPlace place) {
        if (place.dispatch >= dispatch_count()) return place == end();
        return place.group == 0 || place.group < state_->plan.dispatches[place.dispatch].groups[0];
    };
    const auto text = [](PlanPlace place) {
        return std::to_string(place.dispatch) + (place.group ? "+" + std::to_string(place.group) : "");
    };
    if (first > last || !inside(first) || !inside(last))
        return Error(Code::invalid_argument, state_->plan.graph.source + ": dispatches " + text(first) + " to " +
                                                 text(last) + " of " + std::to_string(dispatch_count()));
    if (!state_->resources->bound(state_->plan))
        return Error(Code::invalid_state, state_->plan.graph.source + ": its kernels were reloaded and do not fit it");
    state_->resources->record(commands, state_->plan, first, last, SessionResources::Recording::run, observation);
    return {};
}

Status Session::refresh() {
    const uint64_t generation = state_->runtime.kernels->generation();
    if (generation == state_->generation) return {};
    SAC_TRY(state_->resources->rebind(state_->plan));
    state_->generation = generation;
    return {};
}

Status Session::State::submit_and_wait(VkCommandBuffer commands) {
    const vk::SemaphorePoint done = {runtime.timeline->handle(), runtime.timeline->next()};
    Status status = runtime.device.submit({&commands, 1}, {}, {&done, 1});
    if (!status)
        give_up(runtime, done.value);
    else
        status = runtime.timeline->wait(done.value);
    if (!status)
        lost = status.error().code == Code::device_lost;
    else
        runtime.retire->collect();
    return status;
}

Status Session::run() {
    SAC_TRY(refresh());
    SAC_TRY(state_->submit_and_wait(state_->resources->commands.handle()));
    if (!state_->profile) return {};
    SAC_ASSIGN(const std::vector<double> stamps, state_->resources->stamps.read(dispatch_count() + 1));
    state_->times.clear();
    for (size_t i = 0; i + 1 < stamps.size(); ++i) state_->times.push_back({i, stamps[i + 1] - stamps[i]});
    return {};
}

Result<bool> Session::run_slice(double budget_us) {
    SAC_TRY(refresh());
    if (!state_->slices) {
        SliceRun made;
        SAC_ASSIGN(made.commands, vk::CommandBuffer::create(state_->runtime.device, "slice"));
        SAC_ASSIGN(made.stamps, vk::Timestamps::create(state_->runtime.device, dispatch_count() + 1));
        made.nanoseconds.resize(size_t{dispatch_count()} + 1);
        state_->slices = std::move(made);
    }
    SliceRun &slices = *state_->slices;
    DispatchCosts &costs = state_->costs;
    const PlanPlace first = slices.next, last = costs.slice_end(first, budget_us * 1e3);
    const bool by_dispatch = costs.wants_stamps(first, last);
    const VkCommandBuffer commands = slices.commands.handle();
    SAC_TRY(slices.commands.begin(true));
    slices.stamps.reset(commands);
    if (!by_dispatch) slices.stamps.write(commands, 0);
    SAC_TRY(record(commands, first, last,
                   {.copies = {}, .stamps = by_dispatch ? &slices.stamps : nullptr, .first_stamp = 0}));
    if (!by_dispatch) slices.stamps.write(commands, 1);
    SAC_TRY(slices.commands.end());

    const auto submitted = std::chrono::steady_clock::now();
    SAC_TRY(state_->submit_and_wait(commands));
    double nanoseconds = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - submitted).count();
    const size_t parts = by_dispatch ? last.dispatch - first.dispatch + (last.group > 0) : 1;
    const std::span stamps(slices.nanoseconds.data(), parts + 1);
    SAC_ASSIGN(const bool stamped, slices.stamps.read(stamps));
    if (stamped) nanoseconds = stamps.back();
    if (stamped && by_dispatch)
        costs.learn(first, last, stamps);
    else
        costs.learn(first, last, nanoseconds);
    slices.last_us = nanoseconds * 1e-3;
    slices.next = last == end() ? PlanPlace() : last;
    return last == end();
}

void Session::restart() {
    if (state_->slices) state_->slices->next = {};
}

double Session::last_slice_us() const { return state_->slices ? state_->slices->last_us : 0; }
DispatchCosts &Session::costs() const { return state_->costs; }

Status Session::write_input(std::string_view name, std::span<const float> values) {
    const std::string quoted = state_->plan.graph.source + ": input '" + std::string(name) + "'";
    for (const TensorInfo &info : state_->inputs) {
        if (info.name != name) continue;
        if (static_cast<int64_t>(values.size()) != element_count(info.shape))
            return Error(Code::invalid_argument, quoted + " of shape " + to_string(info.shape) + " is given " +
                                                     std::to_string(values.size()) + " values");
        const vk::Buffer &staging = state_->resources->staging;
        encode(values, info, staging.mapped());
        return copy_and_wait(state_->runtime.device, staging.handle(), 0, info.buffer, info.offset, info.bytes,
                             "write input");
    }
    return Error(Code::not_found, quoted + " does not exist");
}

Result<std::vector<float>> Session::read_output(std::string_view name) {
    for (const TensorInfo &info : state_->outputs) {
        if (info.name != name) continue;
        const vk::Buffer &readback = state_->resources->readback;
        SAC_TRY(copy_and_wait(state_->runtime.device, info.buffer, info.offset, readback.handle(), 0, info.bytes,
                              "read output"));
        return decode(readback.mapped(), info);
    }
    return Error(Code::not_found, state_->plan.graph.source + ": output '" + std::string(name) + "' does not exist");
}

}  // namespace sac

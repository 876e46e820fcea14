#include "compute/ceiling.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "compute/onnx/import.h"
#include "compute/onnx/model_writer.h"

namespace sac {

namespace {

constexpr int runs = 8;
constexpr double enough_ns = 1e6, wished_ns = 2e6;  // of a run
constexpr uint64_t most_bytes = uint64_t{1} << 30;  // of tensors

Result<Graph> graph_of(const onnx::ModelWriter &model) {
    const auto owner = std::make_shared<const std::string>(model.bytes());
    return onnx::import_memory(std::as_bytes(std::span(*owner)), owner, "ceiling");
}

// 3 x 3 with dilation, for which there is no shorter way than the matrix core's: 0.17 GFLOP over 0.9 MB at first, four
// times as much at each step.
constexpr int last_convolution = 5;
constexpr int64_t channels_at(int step) { return int64_t{128} << step / 2; }
constexpr int64_t side_at(int step) { return int64_t{24} << (step + 1) / 2; }

Result<Graph> convolution(int step) {
    const int64_t channels = channels_at(step), side = side_at(step);
    std::minstd_rand random(1);
    std::uniform_real_distribution<float> uniform(-0.05f, 0.05f);
    std::vector<float> weights(static_cast<size_t>(channels * channels * 9));
    for (float &weight : weights) weight = uniform(random);
    onnx::ModelWriter model(13);
    model.input("x", {1, channels, side, side});
    model.floats("w", {channels, channels, 3, 3}, weights);
    const std::vector<int64_t> two = {2, 2}, pads = {2, 2, 2, 2};
    model.node("Conv", {"x", "w"}, {"y"}, {{"dilations", two}, {"pads", pads}});
    model.output("y");
    return graph_of(model);
}

// 8 Mi elements read and as many written, four times as many at each step.
constexpr int last_negation = 4;
constexpr int64_t rows_at(int step) { return int64_t{8192} << 2 * step; }

Result<Graph> negation(int step) {
    onnx::ModelWriter model(13);
    model.input("x", {rows_at(step), 1024});
    model.node("Neg", {"x"}, {"y"});
    model.output("y");
    return graph_of(model);
}

/// The last step whose tensors, `elements(step)` read and as many written, fit into what the device may be asked for.
template <class Elements>
int last_step(const vk::Device &device, DType storage, int last, const Elements &elements) {
    uint64_t memory = 0;
    const VkPhysicalDeviceMemoryProperties &properties = device.memory_properties();
    for (uint32_t i = 0; i < properties.memoryHeapCount; ++i)
        if (properties.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
            memory = std::max<uint64_t>(memory, properties.memoryHeaps[i].size);
    const uint64_t both = std::min(memory / 4, most_bytes);
    const uint64_t one = std::min<uint64_t>(device.caps().limits.maxStorageBufferRange, device.caps().max_allocation);
    int step = 0;
    for (; step < last; ++step) {
        const uint64_t bytes = static_cast<uint64_t>(elements(step + 1)) * size_of(storage);
        if (bytes > one || 2 * bytes > both) break;
    }
    return step;
}

/// Calls `measure(step)`, which gives nanoseconds, from step 0 on until they are enough for a device to be busy and its
/// caches to be full.
template <class Measure>
Status measure_steps(int last, const Measure &measure) {
    for (int step = 0;;) {
        SAC_ASSIGN(const double took, measure(step));
        if (took <= 0 || took >= enough_ns || step == last) return {};
        for (double times = wished_ns / took; times > 1 && step < last; times /= 4) ++step;
    }
}

/// The shortest of the runs, nanoseconds.
Result<double> time_of(Runtime &runtime, Session &session) {
    const bool stamped = runtime.device.caps().timestamps;
    double least = 0;
    for (int i = 0; i < runs; ++i) {
        const auto start = std::chrono::steady_clock::now();
        SAC_TRY(session.run());
        double took = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
        if (stamped) {
            took = 0;
            for (const DispatchTime &time : session.last_profile()) took += time.nanoseconds;
        }
        if (i == 1 || (i > 1 && took < least)) least = took;
    }
    return least;
}

}  // namespace

Result<Ceiling> measure_ceiling(Runtime &runtime, DType storage) {
    Ceiling ceiling;
    SessionOptions options;
    options.storage = storage;
    options.profile = true;

    // Inputs and outputs as the kernels take them: nothing is converted.
    for (const char *name : {"x", "y"}) options.formats[name] = {Layout::c4, storage};
    const auto convolve = [&](int step) -> Result<double> {
        SAC_ASSIGN(const Graph graph, convolution(step));
        SAC_ASSIGN(const Plan plan, make_plan(graph, runtime.device.caps(), *runtime.kernels, options));
        double fastest = 0;
        for (const KernelChoice &choice : plan.choices) {
            for (const std::string &candidate : choice.candidates) {
                options.tuning[choice.problem] = candidate;
                SAC_ASSIGN(const auto session, Session::load(runtime, graph, options));
                SAC_ASSIGN(const double took, time_of(runtime, *session));
                double flops = 0;
                for (const Dispatch &dispatch : session->plan().dispatches) flops += dispatch.flops;
                if (took <= 0) continue;
                ceiling.gflops = std::max(ceiling.gflops, flops / took);
                if (fastest == 0 || took < fastest) fastest = took;
            }
        }
        return fastest;
    };
    const auto pixels = [](int step) { return channels_at(step) * side_at(step) * side_at(step); };
    SAC_TRY(measure_steps(last_step(runtime.device, storage, last_convolution, pixels), convolve));

    for (const char *name : {"x", "y"}) options.formats[name] = {Layout::dense, storage};
    const auto negate = [&](int step) -> Result<double> {
        SAC_ASSIGN(Graph graph, negation(step));
        SAC_ASSIGN(const auto session, Session::load(runtime, std::move(graph), options));
        SAC_ASSIGN(const double took, time_of(runtime, *session));
        const double bytes = static_cast<double>(session->inputs()[0].bytes + session->outputs()[0].bytes);
        if (took > 0) ceiling.gbytes = bytes / took;  // the last step's: earlier ones may fit a cache
        return took;
    };
    const auto elements = [](int step) { return rows_at(step) * 1024; };
    SAC_TRY(measure_steps(last_step(runtime.device, storage, last_negation, elements), negate));
    return ceiling;
}

}  // namespace sac

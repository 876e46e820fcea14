#include "tests/support/op_runner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>

#include "compute/session.h"
#include "tests/support/device.h"

namespace sac::test {
namespace {

// A device and what runs on it.
struct Lab {
    std::string name;
    std::unique_ptr<vk::Device> device;
    std::unique_ptr<Runtime> runtime;

    Lab(std::string n, std::optional<vk::Profile> profile) : name(std::move(n)) {
        vk::DeviceOptions options = device_options();
        options.profile = profile;
        auto made = vk::Device::create(options);
        REQUIRE_MESSAGE(made.ok(), made.error().message);
        device = std::move(*made);
        RuntimeOptions runtime_options;
        runtime_options.cache_directory = "";
        auto created = Runtime::create(*device, runtime_options);
        REQUIRE_MESSAGE(created.ok(), created.error().message);
        runtime = std::move(*created);
    }
};

// The device as it is (with SACCADE_PROFILE=min: the capped one) and, if that is another, one with the minimum profile.
std::vector<std::unique_ptr<Lab>> &labs() {
    static std::vector<std::unique_ptr<Lab>> all = [] {
        test::device();  // the shared state of the run outlives ours
        std::vector<std::unique_ptr<Lab>> made;
        made.push_back(std::make_unique<Lab>("device", std::nullopt));
        if (made[0]->device->caps().profile != vk::Profile::minimum) {
            made.push_back(std::make_unique<Lab>("minimum profile", vk::Profile::minimum));
        }
        return made;
    }();
    return all;
}

std::set<std::string, std::less<>> &dispatched() {
    static std::set<std::string, std::less<>> names;
    return names;
}

std::string input_name(size_t i) { return "in" + std::to_string(i); }
std::string output_name(size_t i) { return "out" + std::to_string(i); }

Graph make_graph(const OpCase &op) {
    Graph graph;
    graph.source = "test";
    Node node;
    node.name = "node";
    node.type = op.type;
    node.domain = op.domain;
    node.opset = op.opset;
    node.attributes = op.attributes;
    node.epilogue = op.epilogue;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
        const OpInput &input = op.inputs[i];
        if (input.kind == OpInput::Kind::absent) {
            node.inputs.push_back(no_value);
        } else if (input.kind == OpInput::Kind::same) {
            node.inputs.push_back(node.inputs.back());
        } else if (input.kind == OpInput::Kind::runtime) {
            const ValueId id = graph.add_value(input_name(i));
            graph.values[id].shape = input.shape;
            graph.values[id].known = true;
            graph.inputs.push_back(id);
            node.inputs.push_back(id);
        } else if (input.kind == OpInput::Kind::constant) {
            node.inputs.push_back(
                graph.add_constant(input_name(i), HostTensor::from_floats(input.shape, input.values)));
        } else {
            node.inputs.push_back(
                graph.add_constant(input_name(i), HostTensor::from_int64s(input.shape, input.integers)));
        }
    }
    for (size_t i = 0; i < op.outputs; ++i) {
        node.outputs.push_back(graph.add_value(output_name(i)));
        graph.outputs.push_back(node.outputs.back());
    }
    graph.nodes.push_back(std::move(node));
    return graph;
}

// The bytes of a session's tensor as they lie on the device.
std::vector<std::byte> raw_bytes(Lab &lab, const TensorInfo &tensor) {
    auto buffer = vk::Buffer::create(*lab.device, lab.runtime->memory, tensor.bytes, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                     vk::MemoryUse::readback, "raw");
    REQUIRE(buffer.ok());
    const Status copied = vk::run_once(
        *lab.device,
        [&](VkCommandBuffer commands) -> Status {
            const VkBufferCopy region = {tensor.offset, 0, tensor.bytes};
            lab.device->fn().CmdCopyBuffer(commands, tensor.buffer, buffer->handle(), 1, &region);
            return {};
        },
        "read raw");
    REQUIRE(copied.ok());
    const auto *bytes = buffer->mapped<std::byte>();
    return {bytes, bytes + tensor.bytes};
}

void poison(Lab &lab, const TensorInfo &tensor) {
    const Status filled = vk::run_once(
        *lab.device,
        [&](VkCommandBuffer commands) -> Status {
            // All ones is a NaN in f32 and in f16.
            lab.device->fn().CmdFillBuffer(commands, tensor.buffer, tensor.offset, tensor.bytes, 0xffffffffu);
            return {};
        },
        "poison");
    REQUIRE(filled.ok());
}

// Behind every tensor lies a guard, which its bindings reach over: what a kernel writes beyond the tensor's last
// element is found there, and what it reads there is NaN. Inputs, outputs and what lies between share one buffer, so
// that all of it can be read; weights have their guards from the upload.
class Guards {
public:
    Guards(Plan &plan, const vk::Caps &caps) {
        const uint64_t alignment = std::max<uint64_t>(
            {16, caps.limits.minStorageBufferOffsetAlignment, caps.limits.minTexelBufferOffsetAlignment});
        std::vector<uint64_t> used(plan.storages.size(), 0);  // bytes of the largest tensor in each storage; 0: scratch
        for (ValueId id = 0; id < plan.value_storage.size(); ++id) {
            if (plan.value_storage[id] == UINT32_MAX) continue;
            const Value &value = plan.graph.values[id];
            const auto elements = static_cast<uint64_t>(padded_element_count(value.shape, value.layout));
            used[plan.value_storage[id]] = std::max(used[plan.value_storage[id]], elements * size_of(value.storage));
        }
        Plan::BufferSpec all{0, Storage::Kind::external, "guarded"};
        plan.buffers.clear();
        std::vector<uint64_t> unguarded(plan.storages.size());
        for (size_t i = 0; i < plan.storages.size(); ++i) {
            Storage &storage = plan.storages[i];
            if (storage.buffer == UINT32_MAX) continue;
            unguarded[i] = storage.bytes;
            const uint64_t end = used[i] ? used[i] : storage.bytes;
            storage.bytes += guard_for(storage, caps);
            if (storage.kind == Storage::Kind::weights) {
                storage.buffer = static_cast<uint32_t>(plan.buffers.size() + 1);
                storage.offset = 0;
                plan.buffers.push_back({storage.bytes, storage.kind, storage.name});
                continue;
            }
            storage.buffer = 0;
            storage.offset = all.bytes;
            all.bytes = (all.bytes + storage.bytes + alignment - 1) / alignment * alignment;
            ranges_.push_back({storage.offset + end, storage.offset + storage.bytes, storage.name});
        }
        plan.buffers.insert(plan.buffers.begin(), all);
        total_ = all.bytes;
        for (Upload &upload : plan.uploads) {
            const Storage &storage = plan.storages[upload.storage];
            const uint64_t own = unguarded[upload.storage] / size_of(storage.dtype);
            if (upload.first + upload.count != own) continue;
            const uint64_t count = upload.count;
            upload.count = storage.bytes / size_of(storage.dtype) - upload.first;
            upload.pack = [pack = std::move(upload.pack), count, all = upload.count] {
                std::vector<float> values = pack();
                values.resize(count, 0.0f);
                values.resize(all, std::numeric_limits<float>::quiet_NaN());
                return values;
            };
        }
        place_barriers(plan);
    }

    // Fills all guards anew. `any` is a tensor of the session.
    void set(Lab &lab, const TensorInfo &any) const {
        const Status filled = vk::run_once(
            *lab.device,
            [&](VkCommandBuffer commands) -> Status {
                for (const Range &range : ranges_)
                    if (range.begin < range.end)
                        lab.device->fn().CmdFillBuffer(commands, any.buffer, range.begin, range.end - range.begin,
                                                       0xffffffffu);
                return {};
            },
            "guards");
        REQUIRE(filled.ok());
    }

    void check(Lab &lab, TensorInfo any) const {
        any.offset = 0;
        any.bytes = total_;
        const auto bytes = raw_bytes(lab, any);
        for (const Range &range : ranges_) {
            bool untouched = true;
            for (uint64_t i = range.begin; i < range.end; ++i) untouched = untouched && bytes[i] == std::byte{0xff};
            CHECK_MESSAGE(untouched, "bytes beyond '" << range.name << "' were written to");
        }
    }

private:
    struct Range {
        uint64_t begin, end;  // bytes; tensors are padded to four elements, so that both are of whole words
        std::string name;
    };

    // As much as the device's limits leave room for: kernels were chosen for the tensor without it.
    static uint64_t guard_for(const Storage &storage, const vk::Caps &caps) {
        const uint64_t wanted = 16384, texel = 4 * size_of(storage.dtype);
        const uint64_t views = caps.limits.maxTexelBufferElements * texel;
        const uint64_t most = storage.bytes <= views ? std::min<uint64_t>(views, caps.limits.maxStorageBufferRange)
                                                     : caps.limits.maxStorageBufferRange;
        return std::min(wanted, most - storage.bytes) / 16 * 16;
    }

    std::vector<Range> ranges_;
    uint64_t total_ = 0;
};

// Lanes of a C4 tensor beyond its channels.
size_t nonzero_pad_lanes(const TensorInfo &tensor, std::span<const std::byte> bytes) {
    const int64_t channels = tensor.shape[1], padded = round_up(channels, 4);
    const size_t size = size_of(tensor.storage);
    size_t wrong = 0;
    const auto elements = static_cast<size_t>(padded_element_count(tensor.shape, Layout::c4));
    for (size_t i = 0; i < elements; ++i) {
        if (static_cast<int64_t>(i) % padded < channels) continue;
        for (size_t b = 0; b < size; ++b) {
            // Minus zero will do.
            const bool sign = b + 1 == size;
            if ((bytes[i * size + b] & std::byte(sign ? 0x7f : 0xff)) != std::byte(0)) {
                ++wrong;
                break;
            }
        }
    }
    return wrong;
}

struct Way {
    DType storage;  // of weights and of what is computed
    IoFormat in, out;
};

// Where NaN is expected and found, both become zero.
void leave_out_nans(std::span<float> actual, std::span<double> expected) {
    for (size_t i = 0; i < actual.size() && i < expected.size(); ++i)
        if (std::isnan(actual[i]) && std::isnan(expected[i])) actual[i] = 0, expected[i] = 0;
}

/// Returns the choices of the plan that `tuning` leads to.
std::vector<KernelChoice> check_way(Lab &lab, const OpCase &op, const Way &way, const Reference &reference,
                                    const Tuning &tuning = {}) {
    const auto describe = [](const IoFormat &io) {
        return std::string(name_of(io.layout)) + " " + name_of(io.storage);
    };
    INFO(lab.name, ", ", std::string(name_of(way.storage)), " from ", describe(way.in), " to ", describe(way.out));
    std::vector<Array> arrays;
    for (const OpInput &input : op.inputs) {
        Array array(input.shape);
        for (size_t i = 0; i < input.integers.size(); ++i) array.values[i] = static_cast<double>(input.integers[i]);
        const auto floats = way.storage == DType::f16 ? rounded_to_half(input.values) : input.values;
        std::copy(floats.begin(), floats.end(), array.values.begin());
        arrays.push_back(std::move(array));
    }
    const std::vector<Array> expected = reference(arrays);
    REQUIRE(expected.size() == op.outputs);

    SessionOptions options;
    options.storage = way.storage;
    options.tuning = tuning;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
        if (op.inputs[i].kind == OpInput::Kind::runtime) options.formats[input_name(i)] = way.in;
    }
    for (size_t i = 0; i < op.outputs; ++i) options.formats[output_name(i)] = way.out;
    auto plan = make_plan(make_graph(op), lab.device->caps(), *lab.runtime->kernels, options);
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    CHECK_MESSAGE(check_hazards(*plan).empty(), plan->dump());
    const Guards guards(*plan, lab.device->caps());
    auto loaded = Session::load(*lab.runtime, std::move(*plan), options);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
    Session &session = **loaded;
    for (const Dispatch &dispatch : session.plan().dispatches) dispatched().insert(dispatch.kernel);

    for (const TensorInfo &output : session.outputs()) poison(lab, output);
    std::vector<std::vector<std::byte>> before;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
        if (op.inputs[i].kind != OpInput::Kind::runtime) continue;
        const Status written = session.write_input(input_name(i), op.inputs[i].values);
        REQUIRE_MESSAGE(written.ok(), written.error().message);
    }
    guards.set(lab, session.outputs()[0]);
    for (const TensorInfo &input : session.inputs()) before.push_back(raw_bytes(lab, input));
    const Status ran = session.run();
    REQUIRE_MESSAGE(ran.ok(), ran.error().message);

    for (size_t i = 0; i < session.inputs().size(); ++i) {
        CHECK_MESSAGE(raw_bytes(lab, session.inputs()[i]) == before[i], "input " << i << " was written to");
    }
    guards.check(lab, session.outputs()[0]);
    for (size_t i = 0; i < op.outputs; ++i) {
        const TensorInfo *info = session.find(output_name(i));
        REQUIRE(info);
        CHECK(to_string(info->shape) == to_string(expected[i].shape));
        auto actual = session.read_output(output_name(i));
        REQUIRE_MESSAGE(actual.ok(), actual.error().message);
        std::vector<double> wanted = expected[i].values;
        leave_out_nans(*actual, wanted);
        const double error = relative_error(*actual, wanted);
        const bool halves = way.storage == DType::f16 || way.in.storage == DType::f16 || way.out.storage == DType::f16;
        CHECK_MESSAGE(error <= (halves ? op.f16_bound : op.f32_bound),
                      "output " << i << " of " << to_string(info->shape) << " is off by " << error << "\n"
                                << session.plan().dump());
        if (info->layout == Layout::c4) CHECK(nonzero_pad_lanes(*info, raw_bytes(lab, *info)) == 0);
    }
    return session.plan().choices;
}

// The way with what the operator expects to be fastest; in C4 also with every other candidate.
void check_candidates(Lab &lab, const OpCase &op, const Way &way, const Reference &reference) {
    const std::vector<KernelChoice> expected = check_way(lab, op, way, reference);
    if (way.in.layout != Layout::c4) return;
    for (const KernelChoice &choice : expected) {
        for (const std::string &candidate : choice.candidates) {
            if (candidate == choice.candidates[choice.taken]) continue;
            INFO(choice.problem, " by ", candidate);
            const auto forced = check_way(lab, op, way, reference, {{choice.problem, candidate}});
            const bool taken = std::any_of(forced.begin(), forced.end(), [&](const KernelChoice &c) {
                return c.problem == choice.problem && c.measured && c.candidates[c.taken] == candidate;
            });
            CHECK(taken);
        }
    }
}

OpInput random_input(OpInput::Kind kind, Shape shape, uint64_t seed, double low, double high) {
    OpInput input{kind, std::move(shape), {}, {}};
    input.values = random_floats(static_cast<size_t>(element_count(input.shape)), seed, low, high);
    return input;
}

}  // namespace

OpInput runtime(Shape shape, uint64_t seed, double low, double high) {
    return random_input(OpInput::Kind::runtime, std::move(shape), seed, low, high);
}
OpInput constant(Shape shape, uint64_t seed, double low, double high) {
    return random_input(OpInput::Kind::constant, std::move(shape), seed, low, high);
}
OpInput constant_values(Shape shape, std::vector<float> values) {
    return {OpInput::Kind::constant, std::move(shape), std::move(values), {}};
}
OpInput with_nan(OpInput input) {
    input.values.at(input.values.size() / 2) = std::numeric_limits<float>::quiet_NaN();
    return input;
}

OpInput integers(std::vector<int64_t> values) {
    return {OpInput::Kind::integers, {static_cast<int64_t>(values.size())}, {}, std::move(values)};
}
OpInput same() { return {OpInput::Kind::same, {}, {}, {}}; }
OpInput absent() { return {}; }

double activate(const Epilogue &epilogue, double x, double residual) {
    const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    const double a = static_cast<double>(epilogue.a), b = static_cast<double>(epilogue.b);
    if (epilogue.residual) x += residual;
    switch (epilogue.activation) {
        case Activation::none: return x;
        case Activation::relu: return std::max(x, 0.0);
        case Activation::clip: return std::min(std::max(x, a), b);
        case Activation::leaky_relu: return x < 0 ? a * x : x;
        case Activation::sigmoid: return sigmoid(x);
        case Activation::hard_sigmoid: return std::min(std::max(a * x + b, 0.0), 1.0);
        case Activation::hard_swish: return x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0);
        case Activation::silu: return x * sigmoid(x);
        case Activation::tanh: return std::tanh(x);
        case Activation::gelu: return x * std::erfc(-x / std::sqrt(2.0)) / 2;
        case Activation::gelu_tanh:
            return x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x))) / 2;
    }
    return x;
}

void check_op(const OpCase &op, const Reference &reference) {
    bool ranks = true;  // C4 needs a channel axis everywhere
    for (const OpInput &input : op.inputs) {
        ranks = ranks && (input.kind != OpInput::Kind::runtime || input.shape.size() > 1);
    }
    for (const auto &lab : labs()) {
        for (const DType storage : {DType::f32, DType::f16}) {
            for (const Layout layout : {Layout::dense, Layout::c4}) {
                const bool wanted = layout == Layout::dense ? op.dense : op.c4 && ranks;
                if (wanted) check_candidates(*lab, op, {storage, {layout, storage}, {layout, storage}}, reference);
            }
        }
    }
}

void check_conversions(const Shape &shape) {
    INFO("conversions of ", to_string(shape));
    const OpCase op{.type = "Identity", .inputs = {runtime(shape, 1)}};
    std::vector<IoFormat> formats;
    for (const Layout layout : {Layout::dense, Layout::c4}) {
        for (const DType storage : {DType::f32, DType::f16}) formats.push_back({layout, storage});
    }
    for (const auto &lab : labs()) {
        for (const DType storage : {DType::f32, DType::f16}) {
            for (const IoFormat &in : formats) {
                for (const IoFormat &out : formats) {
                    // Halves hold what is not a half's to about 5e-4.
                    check_way(*lab, op, {storage, in, out}, [](const std::vector<Array> &x) { return x; });
                }
            }
        }
    }
}

Status load_op(const OpCase &op) {
    auto loaded = Session::load(*labs()[0]->runtime, make_graph(op), {});
    if (!loaded.ok()) return loaded.error();
    return {};
}

Code load_code(const OpCase &op) {
    const Status status = load_op(op);
    return status.ok() ? Code::ok : status.error().code;
}

void check_every_variant(const char *source) {
    size_t variants = 0;
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        if (std::string_view(kernel.source) != source) continue;
        const bool runs = std::any_of(labs().begin(), labs().end(),
                                      [&](const auto &lab) { return lab->runtime->kernels->available(kernel.name); });
        if (!runs) continue;
        ++variants;
        CHECK_MESSAGE(dispatched().contains(kernel.name), std::string(kernel.name)
                                                              << " was dispatched by no test of this file");
    }
    CHECK_MESSAGE(variants > 0, std::string(source) << " has no variant for this device");
}

}  // namespace sac::test

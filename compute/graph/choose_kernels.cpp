// Phase choose_kernels: each operator's plan makes dispatches, storages and uploads.

#include <algorithm>
#include <bit>
#include <cstring>

#include "compute/graph/passes.h"

namespace sac {

namespace {

constexpr StorageId no_storage = UINT32_MAX;

bool is_in(const std::vector<ValueId> &list, ValueId id) {
    for (const ValueId other : list)
        if (other == id) return true;
    return false;
}

uint64_t bytes_of(int64_t elements, DType type) {
    return std::max<uint64_t>((static_cast<uint64_t>(elements) * size_of(type) + 15) / 16 * 16, 16);
}

uint64_t bytes_of(const Value &value) {
    return bytes_of(padded_element_count(value.shape, value.layout), value.storage);
}

StorageId add_storage(Plan &plan, Storage::Kind kind, std::string name, DType dtype, uint64_t bytes) {
    Storage storage;
    storage.kind = kind;
    storage.name = std::move(name);
    storage.dtype = dtype;
    storage.bytes = bytes;
    plan.storages.push_back(std::move(storage));
    return static_cast<StorageId>(plan.storages.size() - 1);
}

void upload_value(Plan &plan, StorageId storage, const Value &value) {
    const bool c4 = value.layout == Layout::c4;
    const uint64_t count = plan.storages[storage].bytes / size_of(plan.storages[storage].dtype);
    plan.uploads.push_back({storage, 0, count, [tensor = *value.constant, c4] {
                                return c4 ? to_c4(tensor.as_f32().as<float>(), tensor.shape) : tensor.to_floats();
                            }});
}

/// A Concat's output, and the channel at which an input begins in it.
struct ConcatPlace {
    ValueId output = no_value;
    int64_t channel = 0;
};

/// The C4 Concat of channels that alone reads a value, if the value begins at a whole texel of it.
std::optional<ConcatPlace> sole_concat(const Plan &plan, ValueId id) {
    const Graph &graph = plan.graph;
    const Value &value = graph.values[id];
    if (value.layout != Layout::c4 || plan.sole_reader[id] == SIZE_MAX) return std::nullopt;
    const Node &reader = graph.nodes[plan.sole_reader[id]];
    if (reader.type != "Concat" || !reader.domain.empty()) return std::nullopt;
    ConcatPlace place{reader.outputs[0], 0};
    const Value &joined = graph.values[place.output];
    const int64_t axis = reader.int_or("axis", 1);
    if (joined.layout != Layout::c4 || joined.storage != value.storage) return std::nullopt;
    if (axis != 1 && axis + static_cast<int64_t>(joined.shape.size()) != 1) return std::nullopt;
    for (const ValueId input : reader.inputs) {
        if (input == id) break;
        place.channel += graph.values[input].shape[1];
    }
    return place.channel % 4 == 0 ? std::optional(place) : std::nullopt;
}

/// What no operator may ask of a device, whatever it is.
Status check_dispatch(const Plan &plan, const Dispatch &dispatch, const vk::Caps &caps) {
    const Node &node = plan.graph.nodes[dispatch.node];
    const std::string name = node.describe() + ": kernel " + dispatch.kernel;
    const auto is_empty = [&](ValueId id) { return id != no_value && element_count(plan.graph.values[id].shape) == 0; };
    for (size_t i = 0; i < 3; ++i) {
        if (dispatch.groups[i] == 0) {
            if (std::any_of(node.outputs.begin(), node.outputs.end(), is_empty))
                return Error(Code::unsupported, node.describe() + " has an output without elements");
            return Error(Code::internal, name + " is dispatched with no workgroups");
        }
        if (dispatch.groups[i] > caps.limits.maxComputeWorkGroupCount[i])
            return Error(Code::unsupported, name + " needs more workgroups than the device allows");
    }
    if (dispatch.push_size > caps.limits.maxPushConstantsSize)
        return Error(Code::unsupported, name + " needs more push constants than the device allows");
    return {};
}

}  // namespace

Dispatch &Dispatch::push_words(std::initializer_list<uint32_t> words) {
    for (const uint32_t word : words) {
        assert(push_size / 4 < push.size());
        push[push_size / 4] = word;
        push_size += 4;
    }
    return *this;
}

Dispatch &Dispatch::push_float(float value) { return push_words({std::bit_cast<uint32_t>(value)}); }

StorageId PlanContext::storage_of(ValueId id) {
    assert(id != no_value);
    StorageId &storage = plan_.value_storage[id];
    if (storage != no_storage) return storage;
    const Value &value = plan_.graph.values[id];
    const auto kind = value.constant ? Storage::Kind::weights : Storage::Kind::activation;
    storage = add_storage(plan_, kind, value.name, value.storage, bytes_of(value));
    if (value.constant) upload_value(plan_, storage, value);
    return storage;
}

StorageId PlanContext::input_storage(size_t i) { return storage_of(node().inputs[i]); }
StorageId PlanContext::output_storage(size_t i) { return storage_of(node().outputs[i]); }

PlanContext::Place PlanContext::output_place(size_t i) {
    const ValueId id = node().outputs[i];
    const auto quads = [&](ValueId value) { return round_up(plan_.graph.values[value].shape[1], 4) / 4; };
    if (const auto concat = sole_concat(plan_, id)) {
        plan_.placed[id] = true;
        shared_.push_back(storage_of(concat->output));
        return {shared_.back(), quads(concat->output), concat->channel / 4};
    }
    return {storage_of(id), quads(id), 0};
}

bool PlanContext::available(std::string_view kernel, std::initializer_list<StorageId> storages) const {
    if (!kernels_.available(kernel)) return false;
    bool texel = false;
    for (const EmbeddedKernel &embedded : embedded_kernels())
        if (kernel == embedded.name)
            texel = std::string_view(embedded.defines).find("TEXEL") != std::string_view::npos ||
                    std::string_view(embedded.needs).find("texel") != std::string_view::npos;
    if (!texel) return true;
    for (const StorageId id : storages) {
        const Storage &storage = plan_.storages[id];
        if (storage.bytes / (4 * size_of(storage.dtype)) > caps_.limits.maxTexelBufferElements) return false;
    }
    return true;
}

Status PlanContext::choose(std::string problem, std::span<const KernelCandidate> candidates) {
    assert(!candidates.empty());
    const auto winner = tuning_.find(problem);
    KernelChoice choice{node_index_, std::move(problem), {}, 0, false};
    for (size_t i = 0; i < candidates.size(); ++i) {
        const KernelCandidate &candidate = candidates[i];
        const bool measured = winner != tuning_.end() && winner->second == candidate.name;
        if (measured || (!choice.measured && candidate.cost < candidates[choice.taken].cost)) choice.taken = i;
        choice.measured |= measured;
        choice.candidates.push_back(candidate.name);
    }
    const KernelCandidate &taken = candidates[choice.taken];
    plan_.choices.push_back(std::move(choice));
    return taken.plan();
}

StorageId PlanContext::upload(std::string name, int64_t count, std::function<std::vector<float>()> pack,
                              std::optional<DType> wanted) {
    const DType type = wanted.value_or(half() ? DType::f16 : DType::f32);
    const StorageId storage = add_storage(plan_, Storage::Kind::weights, std::move(name), type, bytes_of(count, type));
    plan_.uploads.push_back({storage, 0, plan_.storages[storage].bytes / size_of(type), std::move(pack)});
    return storage;
}

StorageId PlanContext::upload(std::string name, int64_t count, int64_t size,
                              const std::function<std::vector<float>(int64_t piece)> &pack, DType type) {
    assert(size % 4 == 0);
    const StorageId storage = add_storage(plan_, Storage::Kind::weights, std::move(name), type, bytes_of(count, type));
    const auto all = static_cast<int64_t>(plan_.storages[storage].bytes / size_of(type));
    for (int64_t first = 0; first < all; first += size)
        plan_.uploads.push_back({storage, static_cast<uint64_t>(first),
                                 static_cast<uint64_t>(std::min(size, all - first)),
                                 [pack, piece = first / size] { return pack(piece); }});
    return storage;
}

StorageId PlanContext::temporary(std::string name, int64_t elements, std::optional<DType> wanted) {
    const DType type = wanted.value_or(half() ? DType::f16 : DType::f32);
    return add_storage(plan_, Storage::Kind::activation, std::move(name), type, bytes_of(elements, type));
}

void PlanContext::alias_output(size_t output, size_t input) {
    const ValueId from = node().inputs[input], to = node().outputs[output];
    const StorageId source = storage_of(from);
    assert(plan_.graph.values[from].storage == plan_.graph.values[to].storage);
    assert(plan_.storages[source].bytes >= bytes_of(plan_.graph.values[to]));
    // A graph output has its storage already: it moves into the input's, which thereby becomes the caller's to read.
    if (is_in(plan_.graph.outputs, to)) {
        Storage &storage = plan_.storages[source];
        if (storage.kind == Storage::Kind::activation) storage.kind = Storage::Kind::external;
    }
    plan_.value_storage[to] = source;
}

void PlanContext::dispatch(Dispatch dispatch) {
    dispatch.node = node_index_;
    for (Binding &binding : dispatch.bindings)
        if (binding.write && std::find(shared_.begin(), shared_.end(), binding.storage) != shared_.end())
            binding.part = true;
    const uint32_t most = caps_.limits.maxComputeWorkGroupCount[0];
    const uint32_t total = dispatch.groups[0], base = dispatch.push[0];
    if (total > most) dispatch.split_from = plan_.dispatches.size();
    for (uint32_t done = 0; done < total || done == 0;) {
        Dispatch part = dispatch;
        part.groups[0] = std::min(most, total - done);
        part.push[0] = base + done;
        const double share = total ? static_cast<double>(part.groups[0]) / total : 0;
        part.flops *= share;
        part.expected_ns *= share;
        done += std::max(part.groups[0], 1u);
        plan_.dispatches.push_back(std::move(part));
    }
}

Error PlanContext::error(std::string text) const {
    return Error(Code::invalid_file, node().describe() + ": " + std::move(text));
}
Error PlanContext::unsupported(std::string text) const {
    return Error(Code::unsupported, node().describe() + ": " + std::move(text));
}

Result<Plan> choose_kernels(Graph graph, OperatorLookup lookup, const vk::Caps &caps, const KernelTable &kernels,
                            const Tuning &tuning) {
    Plan plan;
    plan.graph = std::move(graph);
    const Graph &g = plan.graph;
    plan.value_storage.assign(g.values.size(), no_storage);
    plan.sole_reader = g.sole_readers();
    plan.placed.assign(g.values.size(), false);
    for (const auto *list : {&g.inputs, &g.outputs}) {
        for (const ValueId id : *list) {
            if (plan.value_storage[id] != no_storage) continue;
            const Value &value = g.values[id];
            plan.value_storage[id] =
                add_storage(plan, Storage::Kind::external, value.name, value.storage, bytes_of(value));
            if (value.constant) upload_value(plan, plan.value_storage[id], value);
        }
    }
    for (size_t i = 0; i < g.nodes.size(); ++i) {
        const Operator *op = lookup(g.nodes[i].domain, g.nodes[i].type, g.nodes[i].opset);
        if (!op || !op->plan)
            return Error(Code::unsupported, g.source + ": " + g.nodes[i].describe() +
                                                " has inputs that are not known when loading, and no kernel");
        PlanContext context(plan, i, caps, kernels, tuning);
        const size_t first = plan.dispatches.size(), first_upload = plan.uploads.size();
        if (auto status = op->plan(context); !status) return Error(status.error()).with_context(g.source);
        for (size_t u = first_upload; u < plan.uploads.size(); ++u)
            if (!plan.graph.spend(plan.uploads[u].count * size_of(plan.storages[plan.uploads[u].storage].dtype)))
                return Error(Code::unsupported,
                             g.source + ": " + g.nodes[i].describe() +
                                 " reads weights so often repeated that loading takes too much memory");
        for (size_t d = first; d < plan.dispatches.size(); ++d)
            if (auto status = check_dispatch(plan, plan.dispatches[d], caps); !status)
                return Error(status.error()).with_context(g.source);
    }
    return plan;
}

}  // namespace sac

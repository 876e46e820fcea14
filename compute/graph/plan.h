#pragma once
// A plan: the dispatches of a network on one device, where each tensor lies, and the barriers between them.

#include <array>
#include <functional>

#include "compute/graph/choice.h"
#include "compute/graph/graph.h"
#include "compute/kernels/kernel_table.h"
#include "compute/vk/commands.h"
#include "compute/vk/memory.h"

namespace sac {

using StorageId = uint32_t;

/// A range of device memory that dispatches read and write. Several graph values may share one (reshape).
struct Storage {
    enum class Kind : uint8_t {
        activation,  ///< lives from its first write to its last read; placed in the arena by plan_memory
        weights,     ///< uploaded once, for good
        external,    ///< graph inputs and outputs: own buffers, alive for good
    };
    Kind kind = Kind::activation;
    std::string name;
    DType dtype = DType::f32;  ///< f32 or f16: also the format of texel views
    uint64_t bytes = 0;        ///< padded to 16
    // Chosen by plan_memory:
    uint32_t buffer = UINT32_MAX;  ///< index into Plan::buffers
    uint64_t offset = 0;
};

struct Binding {
    StorageId storage = 0;
    bool write = false;
    /// Of a write: the dispatch writes a part of the storage that no other dispatch with this mark writes (channels of
    /// a concatenation, a group's channels).
    bool part = false;
    /// Of a read: an invocation reads only the bytes that it then writes to the output, at the same place in it, so
    /// that the output may lie in the same memory.
    bool in_place = false;
};

/// One dispatch of one kernel. Push constants begin with `uint group_base`, which record() fills in.
struct Dispatch {
    std::string kernel;
    std::vector<Binding> bindings;  ///< by binding number
    std::array<uint32_t, 32> push = {};
    uint32_t push_size = 4;  ///< bytes, a multiple of 4, group_base included
    std::array<uint32_t, 3> groups = {1, 1, 1};
    size_t node = SIZE_MAX;  ///< index into the planned graph's nodes
    /// Pieces of one dispatch that was too large have the number of its first piece: they never meet, as its workgroups
    /// do not.
    size_t split_from = SIZE_MAX;
    double flops = 0;        ///< 2 x multiply-adds, for reports
    double expected_ns = 0;  ///< what the operator expects it to take on a device of its kind; 0: it does not know

    /// Appends words to the push constants after group_base. Floats go in as their bits.
    Dispatch &push_words(std::initializer_list<uint32_t> words);
    Dispatch &push_float(float value);
};

/// Elements [first, first + count) of a storage of weights, packed when the plan is materialised: some megabytes at a
/// time, on all cores, so that a network's weights never lie in host memory twice. The uploads of a storage cover it.
struct Upload {
    StorageId storage = 0;
    uint64_t first = 0, count = 0;
    std::function<std::vector<float>()> pack;  ///< [thread] any, called once; the elements or fewer: the rest are zero
};

struct Plan {
    Graph graph;  ///< after all passes
    std::vector<Storage> storages;
    std::vector<StorageId> value_storage;  ///< by ValueId; UINT32_MAX: constant folded away
    std::vector<size_t> sole_reader;       ///< by ValueId, see Graph::sole_readers
    std::vector<bool> placed;           ///< by ValueId: written straight into the storage of the Concat that reads it
    std::vector<KernelChoice> choices;  ///< where a node's kernels had alternatives
    std::vector<Dispatch> dispatches;
    std::vector<bool> barrier_before;  ///< by dispatch
    std::vector<Upload> uploads;

    struct BufferSpec {
        uint64_t bytes = 0;
        Storage::Kind kind = Storage::Kind::activation;
        std::string name;
    };
    std::vector<BufferSpec> buffers;
    uint64_t arena_bytes = 0;     ///< the activations' peak as placed
    uint64_t live_set_bytes = 0;  ///< the lower bound: the largest sum of what lives at one time

    std::string dump() const;  ///< dispatches with kernels, groups, storages and offsets, one line each
};

/// A hazard that no barrier covers. Empty list: the plan is safe.
struct Hazard {
    enum class Kind {
        read_after_write,
        write_after_read,
        write_after_write,
        within,  ///< one dispatch (earlier == later) writes what it reads or writes by another binding
    } kind;
    size_t earlier = 0, later = 0;  ///< dispatches
    std::string what;               ///< the storages that overlap
};

/// Finds every uncovered hazard over aliased ranges. Independent of the code that sets barriers (and quadratic).
std::vector<Hazard> check_hazards(const Plan &plan);

}  // namespace sac

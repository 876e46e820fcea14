// Where barriers go: one pass that keeps what was read and written since the last barrier.

#include "compute/graph/passes.h"

namespace sac {

namespace {

struct Range {
    uint32_t buffer;
    uint64_t begin, end;
};

bool meets_any(const Range &range, const std::vector<Range> &others) {
    for (const Range &other : others)
        if (range.buffer == other.buffer && range.begin < other.end && other.begin < range.end) return true;
    return false;
}

}  // namespace

void place_barriers(Plan &plan) {
    plan.barrier_before.assign(plan.dispatches.size(), false);
    std::vector<Range> read, written;
    for (size_t i = 0; i < plan.dispatches.size(); ++i) {
        bool barrier = false;
        for (const Binding &binding : plan.dispatches[i].bindings) {
            const Storage &storage = plan.storages[binding.storage];
            const Range range{storage.buffer, storage.offset, storage.offset + storage.bytes};
            barrier = barrier || meets_any(range, written) || (binding.write && meets_any(range, read));
        }
        if (barrier) {
            plan.barrier_before[i] = true;
            read.clear();
            written.clear();
        }
        for (const Binding &binding : plan.dispatches[i].bindings) {
            const Storage &storage = plan.storages[binding.storage];
            (binding.write ? written : read)
                .push_back({storage.buffer, storage.offset, storage.offset + storage.bytes});
        }
    }
}

}  // namespace sac

// Where barriers go: one pass that keeps what was read and written since the last barrier. Each stands as late as it
// can, so that none could be left out: between two neighbouring ones lies a hazard that no other covers.

#include "compute/graph/passes.h"

namespace sac {

namespace {

struct Access {
    StorageId storage;
    bool part;
    size_t split_from;
};

bool overlap(const Storage &a, const Storage &b) {
    return a.buffer == b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

bool meets_any(const Plan &plan, const Access &access, const std::vector<Access> &others) {
    for (const Access &other : others) {
        if (other.split_from == access.split_from && access.split_from != SIZE_MAX) continue;
        if (other.storage == access.storage && other.part && access.part) continue;
        if (overlap(plan.storages[access.storage], plan.storages[other.storage])) return true;
    }
    return false;
}

}  // namespace

void place_barriers(Plan &plan) {
    plan.barrier_before.assign(plan.dispatches.size(), false);
    std::vector<Access> read, written;
    for (size_t i = 0; i < plan.dispatches.size(); ++i) {
        const Dispatch &dispatch = plan.dispatches[i];
        const auto access = [&](const Binding &binding) {
            return Access{binding.storage, binding.part, dispatch.split_from};
        };
        bool barrier = false;
        for (const Binding &binding : dispatch.bindings)
            barrier = barrier || meets_any(plan, access(binding), written) ||
                      (binding.write && meets_any(plan, access(binding), read));
        if (barrier) {
            plan.barrier_before[i] = true;
            read.clear();
            written.clear();
        }
        for (const Binding &binding : dispatch.bindings) {
            if (plan.storages[binding.storage].kind == Storage::Kind::weights) continue;  // never written
            (binding.write ? written : read).push_back(access(binding));
        }
    }
}

}  // namespace sac

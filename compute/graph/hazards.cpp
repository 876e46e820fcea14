// The judge of barriers: it compares every pair of dispatches and shares nothing with the code that places them.

#include "compute/graph/plan.h"

namespace sac {

namespace {

bool overlap(const Storage &a, const Storage &b) {
    if (a.buffer != b.buffer) return false;
    const uint64_t begin = a.offset > b.offset ? a.offset : b.offset;
    const uint64_t a_end = a.offset + a.bytes, b_end = b.offset + b.bytes;
    return begin < (a_end < b_end ? a_end : b_end);
}

std::string both(const Storage &a, const Storage &b) { return "'" + a.name + "' and '" + b.name + "'"; }

/// What one dispatch writes must not be what it reads or writes by another binding, unless that is read in place.
void check_within(const Plan &plan, size_t dispatch, std::vector<Hazard> &hazards) {
    const auto &bindings = plan.dispatches[dispatch].bindings;
    for (size_t i = 0; i < bindings.size(); ++i) {
        if (!bindings[i].write) continue;
        const Storage &output = plan.storages[bindings[i].storage];
        for (size_t k = 0; k < bindings.size(); ++k) {
            const Storage &other = plan.storages[bindings[k].storage];
            if (k == i || !overlap(output, other)) continue;
            if (bindings[k].in_place && other.offset == output.offset && other.bytes == output.bytes) continue;
            hazards.push_back({Hazard::Kind::within, dispatch, dispatch, both(output, other)});
        }
    }
}

}  // namespace

std::vector<Hazard> check_hazards(const Plan &plan) {
    std::vector<Hazard> hazards;
    for (size_t later = 0; later < plan.dispatches.size(); ++later) {
        check_within(plan, later, hazards);
        // Backwards until a barrier stands between: it covers everything before it.
        for (size_t earlier = later; earlier-- > 0;) {
            const size_t after = earlier + 1;
            if (after < plan.barrier_before.size() && plan.barrier_before[after]) break;
            const size_t split = plan.dispatches[earlier].split_from;
            if (split != SIZE_MAX && split == plan.dispatches[later].split_from) continue;
            for (const Binding &first : plan.dispatches[earlier].bindings) {
                for (const Binding &second : plan.dispatches[later].bindings) {
                    const Storage &a = plan.storages[first.storage], &b = plan.storages[second.storage];
                    if ((!first.write && !second.write) || !overlap(a, b)) continue;
                    if (first.storage == second.storage && first.part && second.part) continue;
                    const auto kind = !first.write   ? Hazard::Kind::write_after_read
                                      : second.write ? Hazard::Kind::write_after_write
                                                     : Hazard::Kind::read_after_write;
                    hazards.push_back({kind, earlier, later, both(a, b)});
                }
            }
        }
    }
    return hazards;
}

}  // namespace sac

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

}  // namespace

std::vector<Hazard> check_hazards(const Plan &plan) {
    std::vector<Hazard> hazards;
    for (size_t later = 0; later < plan.dispatches.size(); ++later) {
        // Backwards until a barrier stands between: it covers everything before it.
        for (size_t earlier = later; earlier-- > 0;) {
            const size_t after = earlier + 1;
            if (after < plan.barrier_before.size() && plan.barrier_before[after]) break;
            for (const Binding &first : plan.dispatches[earlier].bindings) {
                for (const Binding &second : plan.dispatches[later].bindings) {
                    const Storage &a = plan.storages[first.storage], &b = plan.storages[second.storage];
                    if ((!first.write && !second.write) || !overlap(a, b)) continue;
                    const auto kind = !first.write   ? Hazard::Kind::write_after_read
                                      : second.write ? Hazard::Kind::write_after_write
                                                     : Hazard::Kind::read_after_write;
                    hazards.push_back({kind, earlier, later, "'" + a.name + "' and '" + b.name + "'"});
                }
            }
        }
    }
    return hazards;
}

}  // namespace sac

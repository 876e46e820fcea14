#pragma once
// Running a plan in slices of the device's time: places to cut it at, and what its dispatches take, learned on the way.

#include <array>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "compute/graph/plan.h"

namespace sac {

/// A place to cut a plan at: the first `dispatch` dispatches are done, and of the next one `group` workgroups along x.
struct PlanPlace {
    uint32_t dispatch = 0, group = 0;
    auto operator<=>(const PlanPlace &) const = default;
};

/// What the dispatches of a plan take on its device. At first that is guessed: what operators expect, or from sizes;
/// corrected by how the guesses were off for dispatches of the same kernel that have run, or of others where none has.
/// Then it is learned, by the workgroup, from every slice that was run. One number says how fast the device is at the
/// moment, which follows clocks and other work within a few slices; each dispatch has its share of it, which is learned
/// slowly. The first slice of all is a small one.
/// [thread] any. No heap allocation after construction.
class DispatchCosts {
public:
    /// `quantum`: workgroups that the device runs side by side at least; cuts are rounded down to it.
    DispatchCosts(const Plan &plan, uint32_t quantum);

    /// What [first, last) should take, in nanoseconds.
    double expected(PlanPlace first, PlanPlace last) const;
    /// The furthest place that is reached within `budget_ns` from `first` on, and one that is further than `first` in
    /// any case. A dispatch is cut only if it is worth it, beginning with those that take an eighth of the budget.
    /// Where the device's times spread, less of the budget is used, so that one slice in a hundred is a fifth above it.
    PlanPlace slice_end(PlanPlace first, double budget_ns) const;
    /// True if the next run of [first, last) should be stamped round every dispatch: some are not known, or it is time
    /// to look again. Counts the calls.
    bool wants_stamps(PlanPlace first, PlanPlace last);
    /// What [first, last) took, as a whole.
    void learn(PlanPlace first, PlanPlace last, double nanoseconds);
    /// The same by dispatch: stamps before each and after the last, in nanoseconds.
    void learn(PlanPlace first, PlanPlace last, std::span<const double> stamps);

private:
    struct Cost {
        uint32_t groups = 1;  ///< along x
        uint32_t kernel = 0;  ///< index into kernels_
        double group_ns = 0;  ///< of each; a guess while there are no samples
        uint32_t samples = 0;
        bool known() const { return samples >= 3; }
    };
    /// Calls visit(cost, workgroups) for each dispatch of a range.
    template <class Costs, class Visit>
    static void for_each(Costs &costs, PlanPlace first, PlanPlace last, const Visit &visit);
    double nanoseconds(const Cost &cost, uint32_t groups) const;
    void sample(Cost &cost, uint32_t groups, double nanoseconds);
    void follow_device(double measured, double expected);
    void follow_guesses(double measured, double guessed);

    mutable std::mutex mutex_;
    std::vector<Cost> costs_;
    std::vector<double> kernels_;  ///< how many times as long as guessed each of them took; 0: it has not run
    uint32_t quantum_ = 1;
    double device_ = 1;  ///< how many times as long as learned everything takes at the moment
    std::array<double, 5> recent_ = {1, 1, 1, 1, 1};  ///< the same by the last slices
    uint32_t newest_ = 0;
    double late_ = 1.4;       ///< one slice in a hundred takes more than so many times what was expected
    double guess_scale_ = 0;  ///< how many times as long as guessed slices took, the worst of late; 0: none has run
    uint32_t slices_ = 0;
};

}  // namespace sac

#include "compute/session_slices.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

namespace sac {

namespace {

// Where operators expect nothing: a small CPU's speed.
constexpr double guessed_dispatch_ns = 10'000, guessed_flop_ns = 0.05, guessed_byte_ns = 0.2;
// What was never run is counted so many times: where its kernel has run, where others have, and the first of all.
constexpr double kernel_caution = 1.25, caution = 2, first_caution = 32;
constexpr double share_gain = 0.1;       // of what a slice says about a dispatch beside the others
constexpr double furthest = 4;           // a single measurement counts as no further off than that
constexpr uint32_t look_again = 64;      // slices
constexpr double worth_a_cut = 1.0 / 8;  // of the budget
// One slice in a hundred may be over its budget by more than this; the rest of the allowed 25 % is for learning it.
constexpr double rarely_over = 1.2;
constexpr double late_step = 0.05;  // of `late_`, for a slice beyond it; the others move it back a hundredth of that
constexpr double most_late = 2;

double guess(const Plan &plan, const Dispatch &dispatch) {
    double bytes = 0;
    for (const Binding &binding : dispatch.bindings) bytes += static_cast<double>(plan.storages[binding.storage].bytes);
    // What was chosen because it was measured may be what nothing was expected of.
    const bool expected = dispatch.expected_ns > 0 && std::isfinite(dispatch.expected_ns);
    return guessed_dispatch_ns +
           (expected ? dispatch.expected_ns : guessed_flop_ns * dispatch.flops + guessed_byte_ns * bytes);
}

}  // namespace

DispatchCosts::DispatchCosts(const Plan &plan, uint32_t quantum) : quantum_(std::max(quantum, 1u)) {
    costs_.reserve(plan.dispatches.size());
    std::map<std::string_view, uint32_t> kernels;
    for (const Dispatch &dispatch : plan.dispatches) {
        const uint32_t groups = std::max(dispatch.groups[0], 1u);
        const uint32_t kernel = kernels.emplace(dispatch.kernel, kernels.size()).first->second;
        costs_.push_back({groups, kernel, guess(plan, dispatch) / groups, 0});
    }
    kernels_.resize(kernels.size());
}

template <class Costs, class Visit>
void DispatchCosts::for_each(Costs &costs, PlanPlace first, PlanPlace last, const Visit &visit) {
    for (PlanPlace at = first; at < last; at = {at.dispatch + 1, 0}) {
        auto &cost = costs[at.dispatch];
        visit(cost, (at.dispatch == last.dispatch ? last.group : cost.groups) - at.group);
    }
}

double DispatchCosts::nanoseconds(const Cost &cost, uint32_t groups) const {
    double factor = device_;
    if (cost.samples == 0) {
        const double kernel = kernels_[cost.kernel];
        factor *= kernel > 0 ? kernel_caution * kernel : guess_scale_ > 0 ? caution * guess_scale_ : first_caution;
    }
    return cost.group_ns * groups * factor;
}

double DispatchCosts::expected(PlanPlace first, PlanPlace last) const {
    const std::lock_guard lock(mutex_);
    double sum = 0;
    for_each(costs_, first, last, [&](const Cost &cost, uint32_t groups) { sum += nanoseconds(cost, groups); });
    return sum;
}

PlanPlace DispatchCosts::slice_end(PlanPlace first, double budget_ns) const {
    const std::lock_guard lock(mutex_);
    const auto count = static_cast<uint32_t>(costs_.size());
    const double aim = budget_ns > 0 ? budget_ns * std::min(1.0, rarely_over / late_) : 0;
    double left = aim;
    PlanPlace at = first;
    while (at.dispatch < count) {
        const Cost &cost = costs_[at.dispatch];
        const uint32_t groups = cost.groups - at.group;
        const double ns = nanoseconds(cost, groups);
        if (ns <= left) {
            left -= ns;
            at = {at.dispatch + 1, 0};
            continue;
        }
        const bool must = at == first;
        if (!must && ns < worth_a_cut * aim) break;
        const double fit = left / nanoseconds(cost, 1);
        uint32_t part = fit < groups ? static_cast<uint32_t>(fit) : groups;
        part -= part % quantum_;
        if (must) part = std::max(part, std::min(quantum_, groups));
        at.group += part;
        if (at.group == cost.groups) at = {at.dispatch + 1, 0};
        break;
    }
    return at;
}

bool DispatchCosts::wants_stamps(PlanPlace first, PlanPlace last) {
    const std::lock_guard lock(mutex_);
    bool all_known = true;
    for_each(costs_, first, last, [&](const Cost &cost, uint32_t) { all_known = all_known && cost.known(); });
    return !all_known || ++slices_ % look_again == 0;
}

void DispatchCosts::sample(Cost &cost, uint32_t groups, double nanoseconds) {
    double seen = std::max(nanoseconds, 1.0) / groups / device_;
    if (cost.samples == 0) {  // more than guessed counts at once, less only by half
        const double scale = seen / cost.group_ns;
        double &kernel = kernels_[cost.kernel];
        kernel = kernel > 0 ? std::max(scale, (kernel + scale) / 2) : scale;
    }
    if (!cost.known()) {  // other work only ever adds to it: the least of the first
        cost.group_ns = cost.samples++ ? std::min(cost.group_ns, seen) : seen;
        return;
    }
    seen = std::clamp(seen, cost.group_ns / furthest, cost.group_ns * furthest);
    cost.group_ns += share_gain * (seen - cost.group_ns);
}

// The median of some: one slice that was interrupted says nothing about the next, a change of clocks is seen after
// three. Only what is known counts: where the first sample of a dispatch was interrupted, the second would look like a
// device that has become fast, and slices would grow far over their budget.
void DispatchCosts::follow_device(double measured, double expected) {
    if (measured <= 0 || expected <= 0) return;
    const double ratio = measured / expected;
    const double beyond = std::min(ratio, most_late) - late_;
    late_ = std::max(1.0, beyond > 0 ? late_ + std::min(beyond, late_step) : late_ - late_step / 100);
    recent_[newest_++ % recent_.size()] = device_ * ratio;
    auto sorted = recent_;
    std::sort(sorted.begin(), sorted.end());
    device_ = sorted[sorted.size() / 2];
}

void DispatchCosts::follow_guesses(double measured, double guessed) {
    if (measured <= 0 || guessed <= 0) return;
    const double scale = measured / guessed / device_;
    guess_scale_ = std::max(scale, 0.9 * guess_scale_);  // the worst of late
}

void DispatchCosts::learn(PlanPlace first, PlanPlace last, double measured) {
    const std::lock_guard lock(mutex_);
    double known = 0, guessed = 0;
    bool all_known = true;
    for_each(costs_, first, last, [&](const Cost &cost, uint32_t groups) {
        all_known = all_known && cost.known();
        if (cost.samples)
            known += nanoseconds(cost, groups);
        else
            guessed += cost.group_ns * groups;
    });
    if (all_known) follow_device(measured, known);
    // What is left for those that were only guessed; something in any case.
    const double rest = std::max(measured - known, measured / 4);
    if (guessed > 0) follow_guesses(rest, guessed);
    const double error = guessed > 0 || known <= 0 ? 1 : measured / known;
    for_each(costs_, first, last, [&](Cost &cost, uint32_t groups) {
        if (cost.samples)
            sample(cost, groups, nanoseconds(cost, groups) * error);
        else
            sample(cost, groups, cost.group_ns * groups * rest / guessed);
    });
}

void DispatchCosts::learn(PlanPlace first, PlanPlace last, std::span<const double> stamps) {
    const std::lock_guard lock(mutex_);
    double known = 0, known_measured = 0, guessed = 0, guessed_measured = 0;
    size_t i = 0;
    const auto took = [&] {
        ++i;
        return i < stamps.size() ? std::max(stamps[i] - stamps[i - 1], 0.0) : 0;
    };
    for_each(costs_, first, last, [&](const Cost &cost, uint32_t groups) {
        const double nanoseconds_taken = took();
        if (cost.known()) {
            known += nanoseconds(cost, groups);
            known_measured += nanoseconds_taken;
        } else if (cost.samples == 0) {
            guessed += cost.group_ns * groups;
            guessed_measured += nanoseconds_taken;
        }
    });
    follow_device(known_measured, known);
    follow_guesses(guessed_measured, guessed);
    i = 0;
    for_each(costs_, first, last, [&](Cost &cost, uint32_t groups) { sample(cost, groups, took()); });
}

}  // namespace sac

// labels: host_only
// What is learned of dispatches' times, on devices that are made up.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "compute/session_slices.h"

namespace sac::test {
namespace {

/// A plan of `count` dispatches of some workgroups each, and what a workgroup of each really takes.
struct MadeUp {
    Plan plan;
    std::vector<double> group_ns;
    std::mt19937 random{3};
    double speed = 1;        ///< everything takes as many times as long
    double spread = 0;       ///< of a slice's time, as a share
    double interrupted = 0;  ///< the share of slices that take `longer` times as long
    double longer = 1.5;

    explicit MadeUp(uint32_t count) {
        std::uniform_int_distribution<uint32_t> groups(1, 400);
        std::lognormal_distribution<double> ns(std::log(2000.0), 1);
        plan.storages.resize(1);
        plan.storages[0].bytes = 1 << 20;
        for (uint32_t i = 0; i < count; ++i) {
            Dispatch dispatch;
            dispatch.groups[0] = groups(random);
            dispatch.bindings = {{0, true}};
            dispatch.flops = 1e6;
            plan.dispatches.push_back(dispatch);
            group_ns.push_back(ns(random));
        }
    }
    /// The same of some kernels, of which operators expect something: it is off by a factor of the device's, another of
    /// each kernel's, and a little for each dispatch.
    static MadeUp expected(uint32_t count, double speed, uint32_t seed) {
        MadeUp made(count);
        made.speed = speed;
        made.spread = 0.03;
        made.random.seed(seed);
        std::lognormal_distribution<double> ns(std::log(400e3), 1), kernel(0, 0.5), little(0, 0.15);
        std::array<double, 6> kernels = {};
        for (double &factor : kernels) factor = kernel(made.random);
        for (uint32_t i = 0; i < count; ++i) {
            Dispatch &dispatch = made.plan.dispatches[i];
            const size_t of = made.random() % kernels.size();
            dispatch.kernel = "kernel " + std::to_string(of);
            dispatch.expected_ns = ns(made.random);
            made.group_ns[i] = dispatch.expected_ns * kernels[of] * little(made.random) / dispatch.groups[0];
        }
        return made;
    }
    PlanPlace end() const { return {static_cast<uint32_t>(plan.dispatches.size()), 0}; }
    double whole_ns() const {
        double sum = 0;
        for (size_t i = 0; i < group_ns.size(); ++i) sum += group_ns[i] * plan.dispatches[i].groups[0];
        return sum * speed;
    }
    /// Stamps of a slice, as the device would give them.
    std::vector<double> run(PlanPlace first, PlanPlace last) {
        std::vector<double> stamps = {0};
        double factor = speed * std::max(0.1, std::normal_distribution<double>(1, spread + 1e-12)(random));
        if (std::uniform_real_distribution<double>()(random) < interrupted) factor *= longer;
        for (PlanPlace at = first; at < last; at = {at.dispatch + 1, 0}) {
            const uint32_t groups = plan.dispatches[at.dispatch].groups[0];
            const uint32_t part = (at.dispatch == last.dispatch ? last.group : groups) - at.group;
            stamps.push_back(stamps.back() + factor * part * group_ns[at.dispatch]);
        }
        return stamps;
    }
};

/// Passes through the plan; what each slice took, as a share of the budget. The last slice of a pass is left out.
std::vector<double> pass(MadeUp &device, DispatchCosts &costs, double budget_ns, int passes, bool stamps) {
    std::vector<double> shares;
    for (int i = 0; i < passes; ++i) {
        for (PlanPlace at; at < device.end();) {
            const PlanPlace last = costs.slice_end(at, budget_ns);
            REQUIRE(at < last);
            REQUIRE(last <= device.end());
            if (last < device.end()) REQUIRE(last.group < device.plan.dispatches[last.dispatch].groups[0]);
            const auto took = device.run(at, last);
            if (stamps && costs.wants_stamps(at, last))
                costs.learn(at, last, took);
            else
                costs.learn(at, last, took.back());
            if (last < device.end()) shares.push_back(took.back() / budget_ns);
            at = last;
        }
    }
    return shares;
}

double quantile(std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

}  // namespace

TEST_CASE("with timestamps a plan is known after a few passes, and slices use up their budget") {
    MadeUp device(40);
    DispatchCosts costs(device.plan, 1);
    const double budget = device.whole_ns() / 12;
    pass(device, costs, budget, 4, true);
    CHECK(costs.expected({}, device.end()) == doctest::Approx(device.whole_ns()).epsilon(0.01));
    for (uint32_t i = 0; i < 40; ++i) {
        const double real = device.group_ns[i] * device.plan.dispatches[i].groups[0];
        CHECK(costs.expected({i, 0}, {i + 1, 0}) == doctest::Approx(real).epsilon(0.05));
    }
    pass(device, costs, budget, 60, true);  // and that it does not spread
    const auto shares = pass(device, costs, budget, 10, true);
    CHECK(quantile(shares, 0.5) > 0.9);
    CHECK(quantile(shares, 1) < 1.02);
}

TEST_CASE("the first pass through a network keeps to its budget too, and uses it") {
    for (const bool stamps : {true, false}) {
        std::vector<double> shares;
        for (uint32_t seed = 1; seed <= 40; ++seed) {
            for (const double speed : {0.1, 1.0, 10.0}) {  // of the device that operators have in mind
                CAPTURE(speed);
                MadeUp device = MadeUp::expected(60, speed, seed);
                DispatchCosts costs(device.plan, 2);
                const auto first = pass(device, costs, device.whole_ns() / 15, 1, stamps);
                REQUIRE(first.size() > 10);
                CHECK(first[0] < 1);  // of a device that nothing is known of
                shares.insert(shares.end(), first.begin(), first.end());
            }
        }
        CHECK(quantile(shares, 0.9) < (stamps ? 1.0 : 1.1));
        CHECK(quantile(shares, 0.99) < (stamps ? 1.25 : 2.0));
        CHECK(quantile(shares, 0.5) > (stamps ? 0.6 : 0.5));
    }
}

TEST_CASE("what has not run is expected to be off as its kernel was, and otherwise worse") {
    Plan plan;
    plan.storages.resize(1);
    for (const char *kernel : {"known", "known", "other", "known"}) {
        Dispatch dispatch;
        dispatch.kernel = kernel;
        dispatch.groups[0] = 100;
        dispatch.expected_ns = 1e6;
        plan.dispatches.push_back(dispatch);
    }
    plan.dispatches[1].expected_ns = 4e6;
    plan.dispatches[3].expected_ns = std::numeric_limits<double>::infinity();  // chosen all the same, by measurement
    plan.dispatches[3].flops = 1e6;
    DispatchCosts costs(plan, 1);
    const auto expected = [&](uint32_t i) { return costs.expected({i, 0}, {i + 1, 0}); };
    CHECK(std::isfinite(expected(3)));
    CHECK(expected(3) > 0);
    CHECK(expected(1) > 3.9 * expected(0));
    const double stamps[] = {0, 3e6};  // three times as long
    costs.learn({}, {1, 0}, stamps);
    CHECK(expected(0) == doctest::Approx(3e6));
    CHECK(expected(1) > 12e6);
    CHECK(expected(1) < 1.5 * 12e6);
    CHECK(expected(2) > 1.5 * 3e6);
    CHECK(expected(2) < 2.5 * 3e6);
}

TEST_CASE("without timestamps slices keep to their budget all the same") {
    MadeUp device(40);
    DispatchCosts costs(device.plan, 1);
    const double budget = device.whole_ns() / 12;
    pass(device, costs, budget, 150, false);
    const auto shares = pass(device, costs, budget, 20, false);
    CHECK(quantile(shares, 0.5) < 1.1);
    CHECK(quantile(shares, 0.99) < 1.25);
    CHECK(quantile(shares, 0.5) > 0.6);
    CHECK(costs.expected({}, device.end()) == doctest::Approx(device.whole_ns()).epsilon(0.1));
}

TEST_CASE("a device that becomes half or twice as fast is followed within four slices") {
    for (const double change : {0.5, 2.0}) {
        MadeUp device(40);
        DispatchCosts costs(device.plan, 1);
        const double budget = device.whole_ns() / 12;
        pass(device, costs, budget, 10, true);
        device.speed = change;
        PlanPlace at;
        for (int i = 0; i < 4; ++i) {
            const PlanPlace last = costs.slice_end(at, budget);
            REQUIRE(last < device.end());
            costs.learn(at, last, device.run(at, last).back());
            at = last;
        }
        CHECK(costs.expected({}, device.end()) == doctest::Approx(device.whole_ns()).epsilon(0.05));
    }
}

TEST_CASE("one slice that was interrupted changes next to nothing") {
    MadeUp device(40);
    DispatchCosts costs(device.plan, 1);
    const double budget = device.whole_ns() / 12;
    pass(device, costs, budget, 10, true);
    const PlanPlace last = costs.slice_end({}, budget);
    const double before = costs.expected(last, device.end());
    costs.learn({}, last, 30 * budget);
    CHECK(costs.expected(last, device.end()) == doctest::Approx(before).epsilon(0.02));
}

TEST_CASE("where times spread, less of the budget is used: few slices are a quarter over it") {
    MadeUp device(40);
    device.spread = 0.05;
    device.interrupted = 0.03;
    DispatchCosts costs(device.plan, 2);
    const double budget = device.whole_ns() / 12;
    pass(device, costs, budget, 100, true);
    const auto shares = pass(device, costs, budget, 300, true);
    CHECK(quantile(shares, 0.99) < 1.25);
    CHECK(quantile(shares, 0.5) < 1);
    CHECK(quantile(shares, 0.5) > 0.65);
    CHECK(quantile(shares, 1) > 1);  // there was something to keep away from
}

TEST_CASE("a network that is met while other work interrupts it stays within its budget afterwards") {
    for (const bool stamps : {true, false}) {
        std::vector<double> shares;
        for (uint32_t seed = 1; seed <= 60; ++seed) {
            MadeUp device = MadeUp::expected(60, 1, seed);
            DispatchCosts costs(device.plan, 2);
            const double budget = device.whole_ns() / 5;
            device.interrupted = 0.2;
            device.longer = 20;
            pass(device, costs, budget, 1, stamps);
            device.interrupted = 0;
            const auto calm = pass(device, costs, budget, 3, stamps);
            shares.insert(shares.end(), calm.begin(), calm.end());
        }
        CHECK(quantile(shares, 0.5) > 0.6);
        CHECK(quantile(shares, 0.9) < (stamps ? 1.0 : 1.1));
        CHECK(quantile(shares, 0.99) < (stamps ? 1.25 : 1.75));
    }
}

TEST_CASE("cuts are rounded to what runs side by side; small dispatches stay whole") {
    Plan plan;
    plan.storages.resize(1);
    for (const uint32_t groups : {100u, 3u, 100u}) {
        Dispatch dispatch;
        dispatch.groups[0] = groups;
        plan.dispatches.push_back(dispatch);
    }
    DispatchCosts costs(plan, 4);
    const double stamps[] = {0, 100e3, 103e3, 203e3};  // a microsecond a workgroup
    for (int i = 0; i < 3; ++i) costs.learn({}, {3, 0}, stamps);
    for (int i = 0; i < 2000; ++i) costs.learn({}, {3, 0}, 203e3);  // so steadily that budgets are used up
    CHECK(costs.slice_end({}, 30.5e3) == PlanPlace{0, 28});
    CHECK(costs.slice_end({0, 28}, 1e3) == PlanPlace{0, 32});  // at least
    CHECK(costs.slice_end({0, 98}, 1e3) == PlanPlace{1, 0});
    CHECK(costs.slice_end({}, 101.5e3) == PlanPlace{1, 0});  // not worth a cut
    CHECK(costs.slice_end({}, 150.5e3) == PlanPlace{2, 44});
    CHECK(costs.slice_end({}, 1e9) == PlanPlace{3, 0});
    CHECK(costs.slice_end({3, 0}, 1e9) == PlanPlace{3, 0});
}

TEST_CASE("times of nothing, of zero and without end leave costs that can be used") {
    MadeUp device(5);
    DispatchCosts costs(device.plan, 1);
    costs.learn({}, {}, 0);
    const double zeros[] = {0, 0, 0, 0, 0, 0}, backwards[] = {5, 4, 3, 2, 1, 0}, some[] = {0, 1};
    for (int i = 0; i < 5; ++i) {
        costs.learn({}, device.end(), zeros);
        costs.learn({}, device.end(), backwards);
        costs.learn({}, device.end(), some);  // fewer than there are
        costs.learn({}, device.end(), 0.0);
        costs.learn({}, device.end(), 1e300);
    }
    const double expected = costs.expected({}, device.end());
    CHECK(std::isfinite(expected));
    CHECK(expected > 0);
    CHECK(costs.slice_end({}, 1) > PlanPlace());
}

}  // namespace sac::test

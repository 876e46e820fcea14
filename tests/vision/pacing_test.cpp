// labels: host_only tsan
// When slices go, and what the governor grants them.
#include "plugins/vision/pacing.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <thread>

using namespace sac::vision;

TEST_CASE("the governor halves on a late frame and gives back a hundredth for each frame in time") {
    Governor governor;
    governor.set({4000, 500, 10000});
    CHECK(governor.granted_us() == 4000);
    CHECK(!governor.host_frame(12500));  // a quarter is allowed
    CHECK(governor.granted_us() == 4000);
    CHECK(governor.host_frame(12501));
    CHECK(governor.granted_us() == 2000);
    // What was under way then does not count twice.
    CHECK(governor.host_frame(20000));
    CHECK(governor.host_frame(20000));
    CHECK(governor.granted_us() == 2000);
    CHECK(governor.host_frame(20000));
    CHECK(governor.granted_us() == 1000);
    for (int i = 0; i < 30; ++i) CHECK(governor.host_frame(20000));
    CHECK(governor.granted_us() == 500);
    for (int i = 0; i < 10; ++i) CHECK(!governor.host_frame(10000));
    CHECK(governor.granted_us() == doctest::Approx(900));
    for (int i = 0; i < 100; ++i) CHECK(!governor.host_frame(9000));
    CHECK(governor.granted_us() == 4000);
    CHECK(!governor.host_frame(1'000'001));  // a pause
    CHECK(governor.granted_us() == 4000);
}

TEST_CASE("without a budget nobody waits and nothing is counted as late") {
    Pacing pacing;
    CHECK(!pacing.active());
    CHECK(std::isinf(pacing.wait_turn()));
    CHECK(std::isinf(pacing.granted_us()));
    pacing.host_frame(900'000);
    CHECK(pacing.state().host_frames == 1);
    CHECK(pacing.state().missed == 0);
}

TEST_CASE("one slice for each host frame, and one for those that came meanwhile") {
    Pacing pacing;
    pacing.set({3000, 400, 1'000'000});
    CHECK(pacing.active());
    for (int i = 0; i < 5; ++i) pacing.host_frame(1000);
    CHECK(pacing.wait_turn() == 3000);
    std::atomic<int> turns = 0;
    std::thread runner([&] {
        for (;;) {
            const double granted = pacing.wait_turn();
            if (std::isinf(granted)) return;
            ++turns;
        }
    });
    const auto expect = [&](int wanted) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (turns < wanted && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        CHECK(turns == wanted);
    };
    expect(0);
    pacing.host_frame(1000);
    expect(1);
    pacing.host_frame(1000);
    expect(2);
    pacing.finished(1234, 1000);
    const sac_budget_state state = pacing.state();
    CHECK(state.host_frames == 7);
    CHECK(state.slices == 1);
    CHECK(state.slice_us == 1234);
    CHECK(state.expected_us == 1000);
    CHECK(state.budget_us == 3000);
    CHECK(state.least_us == 400);
    CHECK(state.granted_us == 3000);
    pacing.cancel();
    runner.join();
    CHECK(std::isinf(pacing.wait_turn()));
}

TEST_CASE("a host that tells of no frames gets its slices by the clock") {
    Pacing pacing;
    pacing.set({3000, 400, 20'000});
    using clock = std::chrono::steady_clock;
    const auto begun = clock::now();
    for (int i = 0; i < 4; ++i) CHECK(pacing.wait_turn() == 3000);
    CHECK(clock::now() - begun >= std::chrono::milliseconds(60));  // the first at once
    // One that has stopped is waited for a little first.
    pacing.host_frame(1000);
    CHECK(pacing.wait_turn() == 3000);
    const auto told = clock::now();
    CHECK(pacing.wait_turn() == 3000);
    CHECK(clock::now() - told >= std::chrono::milliseconds(70));
    CHECK(pacing.state().missed == 0);
}

TEST_CASE("a budget that is taken away sets free who waits") {
    Pacing pacing;
    pacing.set({3000, 400, 1'000'000});
    pacing.host_frame(1000);
    CHECK(pacing.wait_turn() == 3000);
    std::thread host([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        pacing.set({});
    });
    CHECK(std::isinf(pacing.wait_turn()));
    host.join();
}

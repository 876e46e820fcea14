// labels: host_only tsan
// One task for many things, on all cores.
#include "compute/base/parallel.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace sac;

TEST_CASE("every task is run once, whatever their number") {
    for (const size_t count : {0, 1, 2, 3, 1000}) {
        std::vector<std::atomic<int>> runs(count);
        for_each_parallel(count, [&](size_t i) { ++runs[i]; });
        for (const auto &times : runs) CHECK(times == 1);
    }
}

TEST_CASE("an exception is thrown again by the caller, once no task runs any more") {
    std::atomic<int> running = 0, begun = 0;
    const auto task = [&](size_t i) {
        ++running;
        ++begun;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        --running;
        if (i == 3) throw std::runtime_error("three");
    };
    CHECK_THROWS_WITH(for_each_parallel(1000, task), "three");
    CHECK(running == 0);
    CHECK(begun < 1000);
}

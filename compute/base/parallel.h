#pragma once
// The same work on many things, on as many threads as the machine has cores.

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace sac {

/// Calls task(i) once for every i below `count`, in any order and on several threads, the caller's among them; returns
/// when all are done. The first exception is thrown again here, and what had not begun by then is left out.
template <class Task>
void for_each_parallel(size_t count, const Task &task) {
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    std::exception_ptr failure;
    const auto work = [&] {
        for (size_t i = next++; i < count; i = next++) {
            try {
                task(i);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (!failure) failure = std::current_exception();
                next = count;
            }
        }
    };
    const size_t cores = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> helpers;
    helpers.reserve(cores);
    try {
        while (helpers.size() + 1 < std::min(cores, count)) helpers.emplace_back(work);
    } catch (const std::system_error &) {  // no more threads: those there are do it
    }
    work();
    for (std::thread &helper : helpers) helper.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace sac

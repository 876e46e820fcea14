#pragma once
// Threads that work for another one.

#if defined(__linux__)
#include <sched.h>
#endif

namespace sac {

/// Lets the calling thread give way when it is woken: who wakes it goes on first, and a render thread is not held up by
/// handing over a frame. Elsewhere than on Linux nothing is changed. (SCHED_BATCH, sched(7): needs no rights.)
inline void give_way_when_woken() {
#if defined(__linux__)
    const sched_param none = {};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);  // of this thread; where it is not allowed, all stays as it was
#endif
}

}  // namespace sac

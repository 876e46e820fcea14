#include "tests/vision/host_commands_support.h"

#include <chrono>
#include <thread>

namespace sac::test {

CommandsHost::CommandsHost(bool validation) : engine(SAC_MODE_HOST_COMMANDS, validation), commands(engine) {
    engine.lend(host);
}

sac_result CommandsHost::record(const sac_frame &frame, const sac_vk_commands &into) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
        const sac_result result = host.sac.record_frame(host.context, &frame, &into);
        if (result != SAC_NOT_READY || std::chrono::steady_clock::now() > end) return result;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void CommandsHost::settle() const {
    for (;;) {
        const sac_statistics now = host.statistics();
        if (now.submitted == now.finished + now.dropped_failed + now.dropped_newer) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void count_releases(sac_frame &frame, std::atomic<uint64_t> &released) {
    frame.release_user = &released;
    frame.release = [](void *user, uint64_t) { ++*static_cast<std::atomic<uint64_t> *>(user); };
}

}  // namespace sac::test

#pragma once
// A host in mode C: an engine that lets the plugin record into its own commands.

#include "tests/vision/engine_support.h"

namespace sac::test {

struct CommandsHost {
    Engine engine;
    EngineCommands commands;
    TestHost host;

    /// Does not create the context yet.
    explicit CommandsHost(bool validation = true);
    void create() { REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error()); }

    /// Records into `into`; where the plugin prepares for that kind of frame first, until it is prepared.
    sac_result record(const sac_frame &frame, const sac_vk_commands &into);
    /// Into commands of their own, to be submitted.
    sac_result record(const sac_frame &frame) { return record(frame, commands.begin()); }
    /// Waits for the next result and gives it back at once after `check`.
    template <class Check>
    void expect(const Check &check) {
        const sac_snapshot *snapshot = nullptr;
        REQUIRE_MESSAGE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK, host.last_error());
        host.seen = snapshot->sequence;
        check(snapshot);
        CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
    }
    /// Waits until every frame is accounted for.
    void settle() const;
};

/// Counts the calls of `release`.
void count_releases(sac_frame &frame, std::atomic<uint64_t> &released);

}  // namespace sac::test

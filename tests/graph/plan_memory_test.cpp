// labels: host_only
// Placement of tensors, barriers between dispatches, and the checker that judges them, on plans written by hand.
#include "tests/graph/builder.h"

using namespace sac;
using namespace sac::test;

namespace {

vk::Caps caps_with(uint64_t range, uint64_t alignment = 64) {
    vk::Caps caps;
    caps.limits.maxStorageBufferRange = static_cast<uint32_t>(range);
    caps.limits.minStorageBufferOffsetAlignment = alignment;
    caps.limits.minTexelBufferOffsetAlignment = 16;
    caps.max_allocation = uint64_t{1} << 30;
    return caps;
}

struct PlanBuilder {
    Plan plan;
    StorageId storage(uint64_t bytes, Storage::Kind kind = Storage::Kind::activation) {
        Storage made;
        made.kind = kind;
        made.name = "s" + std::to_string(plan.storages.size());
        made.bytes = bytes;
        plan.storages.push_back(made);
        plan.value_storage.push_back(static_cast<StorageId>(plan.storages.size() - 1));
        return static_cast<StorageId>(plan.storages.size() - 1);
    }
    void dispatch(const std::vector<StorageId> &reads, const std::vector<StorageId> &writes) {
        Dispatch made;
        made.kernel = "k" + std::to_string(plan.dispatches.size());
        for (const StorageId id : reads) made.bindings.push_back({id, false});
        for (const StorageId id : writes) made.bindings.push_back({id, true});
        plan.dispatches.push_back(made);
    }
};

/// Two storages that are alive at one dispatch must not share bytes. No dispatch of the plan is in place.
void check_no_overlap(const Plan &plan) {
    for (StorageId a = 0; a < plan.storages.size(); ++a) {
        for (StorageId b = 0; b < a; ++b) {
            size_t first[2] = {SIZE_MAX, SIZE_MAX}, last[2] = {0, 0};
            for (size_t i = 0; i < plan.dispatches.size(); ++i)
                for (const Binding &binding : plan.dispatches[i].bindings)
                    for (size_t k = 0; k < 2; ++k)
                        if (binding.storage == (k ? b : a)) {
                            first[k] = std::min(first[k], i);
                            last[k] = i;
                        }
            if (first[0] > last[1] || first[1] > last[0]) continue;
            const Storage &x = plan.storages[a], &y = plan.storages[b];
            const bool apart = x.buffer != y.buffer || x.offset + x.bytes <= y.offset || y.offset + y.bytes <= x.offset;
            CHECK_MESSAGE(apart, x.name << " and " << y.name);
        }
    }
}

/// Removes each barrier in turn: the checker must find what that uncovers.
size_t check_every_barrier_is_needed(Plan plan) {
    REQUIRE(check_hazards(plan).empty());
    size_t barriers = 0;
    for (size_t i = 0; i < plan.dispatches.size(); ++i) {
        if (!plan.barrier_before[i]) continue;
        ++barriers;
        plan.barrier_before[i] = false;
        CHECK_MESSAGE(!check_hazards(plan).empty(), "the barrier before dispatch " << i);
        plan.barrier_before[i] = true;
    }
    return barriers;
}

}  // namespace

TEST_CASE("a chain needs two places at a time") {
    PlanBuilder b;
    const StorageId in = b.storage(1024, Storage::Kind::external);
    StorageId last = in;
    for (int i = 0; i < 10; ++i) {
        const StorageId next = b.storage(1024);
        b.dispatch({last}, {next});
        last = next;
    }
    const StorageId out = b.storage(1024, Storage::Kind::external);
    b.dispatch({last}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    CHECK(b.plan.live_set_bytes == 2048);
    CHECK(b.plan.arena_bytes == 2048);
    check_no_overlap(b.plan);
    CHECK(b.plan.storages[in].buffer != b.plan.storages[out].buffer);
    CHECK(b.plan.buffers.size() == 3);
    CHECK(check_every_barrier_is_needed(b.plan) == 10);
}

TEST_CASE("random plans: nothing alive overlaps, offsets are aligned, the checker agrees, little is wasted") {
    uint64_t state = 7;
    const auto random = [&](uint64_t below) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        return (state >> 33) % below;
    };
    for (int round = 0; round < 60; ++round) {
        PlanBuilder b;
        std::vector<StorageId> made = {b.storage(4096, Storage::Kind::external)};
        for (int i = 0; i < 40; ++i) {
            std::vector<StorageId> reads;
            for (uint64_t k = 0; k < 1 + random(3); ++k) {
                const size_t reach = std::min<size_t>(made.size(), 6);
                reads.push_back(made[made.size() - 1 - random(reach)]);
            }
            const StorageId next = b.storage(16 * (1 + random(500)));
            b.dispatch(reads, {next});
            made.push_back(next);
        }
        REQUIRE(plan_memory(b.plan, caps_with(1 << 24)).ok());
        check_no_overlap(b.plan);
        for (const Storage &storage : b.plan.storages) CHECK(storage.offset % 64 == 0);
        CHECK(b.plan.arena_bytes >= b.plan.live_set_bytes);
        CHECK(static_cast<double>(b.plan.arena_bytes) < 1.2 * static_cast<double>(b.plan.live_set_bytes));
        CHECK(check_every_barrier_is_needed(b.plan) > 0);
    }
}

TEST_CASE("write after read and write after write through reused memory are seen") {
    // s1 and s3 share memory; dispatch 2 neither reads nor writes what dispatch 1 made.
    PlanBuilder b;
    const StorageId in = b.storage(256, Storage::Kind::external), out = b.storage(256, Storage::Kind::external);
    const StorageId first = b.storage(256), second = b.storage(256);
    b.dispatch({in}, {first});
    b.dispatch({first}, {out});
    b.dispatch({in}, {second});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    REQUIRE(b.plan.storages[first].offset == b.plan.storages[second].offset);
    CHECK(b.plan.barrier_before == std::vector<bool>{false, true, true});
    CHECK(check_every_barrier_is_needed(b.plan) == 2);

    b.plan.barrier_before = {false, true, false};
    auto hazards = check_hazards(b.plan);
    REQUIRE(hazards.size() == 1);
    CHECK(hazards[0].kind == Hazard::Kind::write_after_read);
    CHECK(hazards[0].earlier == 1);
    CHECK(hazards[0].later == 2);
    CHECK(hazards[0].what.find("s2") != std::string::npos);

    b.plan.barrier_before = {false, false, false};
    bool kinds[3] = {};
    for (const Hazard &hazard : check_hazards(b.plan)) kinds[static_cast<int>(hazard.kind)] = true;
    CHECK(kinds[0]);
    CHECK(kinds[1]);
    CHECK(kinds[2]);
}

TEST_CASE("reads of the same need no barrier, nor do neighbours in one buffer") {
    PlanBuilder b;
    const StorageId in = b.storage(256, Storage::Kind::external);
    const StorageId p = b.storage(256), q = b.storage(256), out = b.storage(256, Storage::Kind::external);
    b.dispatch({in}, {p});
    b.dispatch({in}, {q});
    b.dispatch({p, q}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    CHECK(b.plan.storages[p].buffer == b.plan.storages[q].buffer);
    CHECK(b.plan.barrier_before == std::vector<bool>{false, false, true});
}

TEST_CASE("two writers of one storage are ordered") {
    PlanBuilder b;
    const StorageId in = b.storage(256, Storage::Kind::external), out = b.storage(256, Storage::Kind::external);
    b.dispatch({in}, {out});
    b.dispatch({in}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    CHECK(b.plan.barrier_before == std::vector<bool>{false, true});
    CHECK(check_every_barrier_is_needed(b.plan) == 1);
}

TEST_CASE("an output takes over the memory of an input that is read in place and by nobody later") {
    struct Case {
        const char *what;
        bool in_place = true, read_later = false, read_twice = false, smaller = false, half = false, fixed = false;
        bool taken = false;
    };
    const Case cases[] = {
        {.what = "the last reader", .taken = true},         {.what = "not in place", .in_place = false},
        {.what = "read later", .read_later = true},         {.what = "also read in another way", .read_twice = true},
        {.what = "of another size", .smaller = true},       {.what = "of another type", .half = true},
        {.what = "an input of the network", .fixed = true},
    };
    for (const Case &c : cases) {
        CAPTURE(c.what);
        PlanBuilder b;
        const StorageId in = b.storage(1024, Storage::Kind::external), out = b.storage(64, Storage::Kind::external);
        const StorageId x = b.storage(1024, c.fixed ? Storage::Kind::external : Storage::Kind::activation);
        const StorageId y = b.storage(c.smaller ? 512 : 1024);
        if (c.half) b.plan.storages[y].dtype = DType::f16;
        b.dispatch({in}, {x});
        b.dispatch({x}, {y});
        b.plan.dispatches[1].bindings[0].in_place = c.in_place;
        if (c.read_twice) b.plan.dispatches[1].bindings.push_back({.storage = x});
        b.dispatch(c.read_later ? std::vector<StorageId>{x, y} : std::vector<StorageId>{y}, {out});
        REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
        const Storage &from = b.plan.storages[x], &to = b.plan.storages[y];
        CHECK((from.buffer == to.buffer && from.offset == to.offset) == c.taken);
        CHECK(b.plan.arena_bytes == (c.taken ? 1024 : c.smaller ? 1536 : c.fixed ? 1024 : 2048));
        CHECK(b.plan.live_set_bytes == b.plan.arena_bytes);
        CHECK(check_every_barrier_is_needed(b.plan) == 2);
    }
}

TEST_CASE("a chain in place has one memory, and only one of two outputs takes an input over") {
    PlanBuilder b;
    const StorageId in = b.storage(1024, Storage::Kind::external), out = b.storage(64, Storage::Kind::external);
    StorageId last = b.storage(1024);
    b.dispatch({in}, {last});
    for (int i = 0; i < 5; ++i) {
        const StorageId next = b.storage(1024);
        b.dispatch({last}, {next});
        b.plan.dispatches.back().bindings[0].in_place = true;
        last = next;
    }
    const StorageId p = b.storage(1024), q = b.storage(1024);
    b.dispatch({last}, {p, q});
    b.plan.dispatches.back().bindings[0].in_place = true;
    b.dispatch({p, q}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    CHECK(b.plan.arena_bytes == 2048);
    CHECK(b.plan.live_set_bytes == 2048);
    CHECK(b.plan.storages[p].offset != b.plan.storages[q].offset);
    CHECK(check_every_barrier_is_needed(b.plan) == 7);
}

TEST_CASE("pieces of one dispatch need no barrier between them, also in place") {
    PlanBuilder b;
    const StorageId in = b.storage(1024, Storage::Kind::external), out = b.storage(1024, Storage::Kind::external);
    const StorageId x = b.storage(1024), y = b.storage(1024);
    b.dispatch({in}, {x});
    for (int piece = 0; piece < 3; ++piece) {
        b.dispatch({x}, {y});
        b.plan.dispatches.back().bindings[0].in_place = true;
        b.plan.dispatches.back().split_from = 1;
    }
    b.dispatch({y}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    CHECK(b.plan.arena_bytes == 1024);
    CHECK(b.plan.barrier_before == std::vector<bool>{false, true, false, false, true});
    CHECK(check_every_barrier_is_needed(b.plan) == 2);

    for (size_t piece = 1; piece < 4; ++piece) b.plan.dispatches[piece].split_from = SIZE_MAX;
    CHECK(check_hazards(b.plan).size() == 9);  // of each of three pairs: read and write, write and read, two writes
}

TEST_CASE("an output takes an input over also where several dispatches write it part by part, if all read in place") {
    for (const bool in_place : {true, false}) {
        PlanBuilder b;
        const StorageId in = b.storage(1024, Storage::Kind::external), out = b.storage(1024, Storage::Kind::external);
        const StorageId x = b.storage(1024), y = b.storage(1024);
        b.dispatch({in}, {x});
        for (int part = 0; part < 3; ++part) {
            const StorageId scratch = b.storage(64);
            b.dispatch({in}, {scratch});
            b.dispatch({scratch, x}, {y});
            b.plan.dispatches.back().bindings[1].in_place = in_place || part < 2;
            b.plan.dispatches.back().bindings[2].part = true;
        }
        b.dispatch({y}, {out});
        REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
        CHECK(b.plan.arena_bytes == (in_place ? 1088 : 2112));
        check_every_barrier_is_needed(b.plan);
    }
}

TEST_CASE("parts of one storage need no barrier between them, the whole and its reader do") {
    PlanBuilder b;
    const StorageId in = b.storage(256, Storage::Kind::external), joined = b.storage(1024);
    const StorageId out = b.storage(1024, Storage::Kind::external);
    for (int part = 0; part < 3; ++part) {
        b.dispatch({in}, {joined});
        b.plan.dispatches.back().bindings[1].part = true;
    }
    b.dispatch({in}, {joined});
    b.dispatch({joined}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    CHECK(b.plan.barrier_before == std::vector<bool>{false, false, false, true, true});
    CHECK(check_every_barrier_is_needed(b.plan) == 2);

    for (Dispatch &dispatch : b.plan.dispatches) dispatch.bindings[1].part = false;
    CHECK(check_hazards(b.plan).size() == 3);
}

TEST_CASE("a dispatch that writes what it reads is found, whatever the barriers") {
    PlanBuilder b;
    const StorageId in = b.storage(256, Storage::Kind::external), out = b.storage(256, Storage::Kind::external);
    const StorageId x = b.storage(256), y = b.storage(256);
    b.dispatch({in}, {x});
    b.dispatch({x}, {y});
    b.dispatch({y}, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1 << 20)).ok());
    REQUIRE(check_hazards(b.plan).empty());
    b.plan.storages[y].offset = b.plan.storages[x].offset;
    REQUIRE(check_hazards(b.plan).size() == 1);
    CHECK(check_hazards(b.plan)[0].kind == Hazard::Kind::within);
    CHECK(check_hazards(b.plan)[0].earlier == 1);
    b.plan.dispatches[1].bindings[0].in_place = true;
    CHECK(check_hazards(b.plan).empty());
    b.plan.storages[y].offset += 64;  // in place, but not at the same place
    CHECK(check_hazards(b.plan).size() == 1);
}

TEST_CASE("more than one range of memory: several arenas and weight buffers; one tensor too large is an error") {
    PlanBuilder b;
    const StorageId in = b.storage(512, Storage::Kind::external), out = b.storage(512, Storage::Kind::external);
    std::vector<StorageId> held;
    for (int i = 0; i < 8; ++i) {
        held.push_back(b.storage(512));
        b.dispatch({in, b.storage(700, Storage::Kind::weights)}, {held.back()});
    }
    b.dispatch(held, {out});
    REQUIRE(plan_memory(b.plan, caps_with(1024)).ok());
    check_no_overlap(b.plan);
    CHECK(check_hazards(b.plan).empty());
    for (const Storage &storage : b.plan.storages) {
        REQUIRE(storage.buffer < b.plan.buffers.size());
        CHECK(storage.offset + storage.bytes <= b.plan.buffers[storage.buffer].bytes);
    }
    CHECK(b.plan.arena_bytes == 8 * 512);

    b.storage(2048);
    const Status status = plan_memory(b.plan, caps_with(1024));
    REQUIRE(!status.ok());
    CHECK(status.error().code == Code::unsupported);
    CHECK(status.error().message.find("'s18'") != std::string::npos);
}

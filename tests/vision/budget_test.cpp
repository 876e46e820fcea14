// labels: tsan
// Frames within a budget: in slices they give what they give at once, whatever comes between.

#include <chrono>
#include <cstring>
#include <thread>

#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/vision/host_commands_support.h"
#include "tests/vision/inspect_support.h"

using namespace sac;
using namespace sac::test;

namespace {

constexpr uint32_t never_us = 1'000'000;  // a host frame: nothing goes by the clock while a test lasts

sac_result set_budget(const TestHost &host, uint32_t budget_us, uint32_t host_frame_us = 1000) {
    auto budget = make_struct<sac_budget>(SAC_TYPE_BUDGET);
    budget.budget_us = budget_us;
    budget.host_frame_us = host_frame_us;
    return host.sac.set_budget(host.context, &budget);
}

sac_budget_state state_of(const TestHost &host) {
    auto state = make_struct<sac_budget_state>(SAC_TYPE_BUDGET_STATE);
    REQUIRE(host.sac.get_budget_state(host.context, &state) == SAC_OK);
    return state;
}

void wait_for_slices(const TestHost &host, uint64_t count) {
    for (int i = 0; i < 60000 && state_of(host).slices < count; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(state_of(host).slices == count);
}

/// One host frame, and the slice that goes with it.
void run_slice(const TestHost &host) {
    const uint64_t before = state_of(host).slices;
    REQUIRE(host.sac.host_frame(host.context, 1000) == SAC_OK);
    wait_for_slices(host, before + 1);
}

/// Submits a frame, of which the first slice goes at once.
void begin(const TestHost &host, const ColorFrame &picture) {
    const uint64_t before = state_of(host).slices;
    REQUIRE(host.sac.host_frame(host.context, 1000) == SAC_OK);
    REQUIRE(host.sac.submit_frame(host.context, &picture.frame) == SAC_OK);
    wait_for_slices(host, before + 1);
}

const sac_snapshot *run_to_end(TestHost &host) {
    for (;;) {
        const sac_snapshot *snapshot = nullptr;
        REQUIRE(host.sac.host_frame(host.context, 1000) == SAC_OK);
        const sac_result result = host.sac.wait_result(host.context, host.seen, 2, &snapshot);
        REQUIRE(result >= 0);
        if (!snapshot) continue;
        host.seen = snapshot->sequence;
        return snapshot;
    }
}

const sac_slices *slices_of(const sac_snapshot *snapshot) {
    const auto *slices = static_cast<const sac_slices *>(snapshot->next);
    if (slices) {
        CHECK(slices->type == SAC_TYPE_SLICES);
        CHECK(slices->size == sizeof(sac_slices));
        CHECK(slices->next == nullptr);
        CHECK(slices->longest_us > 0);
        CHECK(slices->begun_ns >= snapshot->submitted_ns);
        CHECK(slices->begun_ns <= snapshot->finished_ns);
    }
    return slices;
}

void release(const TestHost &host, const sac_snapshot *snapshot) {
    CHECK(host.sac.release_result(host.context, snapshot) == SAC_OK);
}

}  // namespace

TEST_CASE("frames in slices find what they find at once, from planes and from images") {
    const TempDir folder;
    write_color_model(folder / "colors", "colors", 6);
    Engine engine(SAC_MODE_SHARED_QUEUE);
    TestHost host;
    engine.lend(host);
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    uint32_t number = 0, most = 0;
    for (const uint32_t budget : {1u, 0u, 60u, 400u, 100000u, 1u}) {
        CAPTURE(budget);
        REQUIRE(set_budget(host, budget) == SAC_OK);
        for (const bool image : {false, true}) {
            const uint32_t column = ++number % 4, row = number / 3 % 4, color = number % 3;
            ColorFrame picture(SAC_FORMAT_RGBA8, 24, column, row, color);
            std::optional<EngineImage> lent;
            if (image) {
                lent.emplace(engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
                lent->put(picture);
            }
            const sac_snapshot *snapshot = host.run(picture.frame);
            REQUIRE(snapshot);
            check_color(snapshot, 24, column, row, color);
            const sac_slices *slices = slices_of(snapshot);
            CHECK((slices != nullptr) == (budget > 0));
            if (slices) most = std::max(most, slices->count);
            if (slices && budget == 1) CHECK(slices->count > 8);
            if (device().caps().timestamps) CHECK(snapshot->gpu_us > 0);
            release(host, snapshot);
        }
    }
    CHECK(most > 8);
    CHECK(state_of(host).budget_us == 1);
    CHECK(state_of(host).least_us == 1);
    CHECK(state_of(host).slices > most);
}

TEST_CASE("each host frame lets one slice go") {
    const TempDir folder;
    write_color_model(folder / "colors", "colors", 4);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    REQUIRE(set_budget(host, 1, never_us) == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    begin(host, picture);
    for (uint64_t i = 2; i < 6; ++i) {
        run_slice(host);
        CHECK(state_of(host).slices == i);
    }
    const sac_snapshot *snapshot = run_to_end(host);
    check_color(snapshot, 8, 1, 2, 1);
    CHECK(slices_of(snapshot)->count == state_of(host).slices);
    release(host, snapshot);
}

TEST_CASE("in the middle of a frame: newer frames, another model, no budget any more") {
    const TempDir folder;
    write_color_model(folder / "one", "one", 4);
    write_color_model(folder / "two", "two", 2);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const uint32_t one = host.load(folder / "one");
    REQUIRE(set_budget(host, 1, never_us) == SAC_OK);
    ColorFrame first(SAC_FORMAT_RGB8, 8, 1, 2, 1), second(SAC_FORMAT_RGB8, 8, 3, 0, 2),
        third(SAC_FORMAT_RGB8, 8, 2, 2, 0);
    begin(host, first);
    run_slice(host);
    REQUIRE(host.sac.submit_frame(host.context, &second.frame) == SAC_OK);
    REQUIRE(host.sac.submit_frame(host.context, &third.frame) == SAC_OK);
    const uint32_t two = host.load(folder / "two");  // waits for it: the frame goes on with the model it began with
    const sac_snapshot *snapshot = run_to_end(host);
    check_color(snapshot, 8, 1, 2, 1);
    CHECK(snapshot->model_id == one);
    release(host, snapshot);
    snapshot = run_to_end(host);
    check_color(snapshot, 8, 2, 2, 0);
    CHECK(snapshot->model_id == two);
    CHECK(host.statistics().dropped_newer == 1);
    release(host, snapshot);

    begin(host, second);
    run_slice(host);
    REQUIRE(set_budget(host, 0) == SAC_OK);
    REQUIRE(host.sac.wait_result(host.context, host.seen, 60000, &snapshot) == SAC_OK);
    host.seen = snapshot->sequence;
    check_color(snapshot, 8, 3, 0, 2);
    CHECK(slices_of(snapshot)->count <= 6);
    release(host, snapshot);
    CHECK(host.statistics().dropped_failed == 0);
}

TEST_CASE("a context that ends in the middle of a frame ends it, without waiting for host frames") {
    const TempDir folder;
    write_color_model(folder / "colors", "colors", 4);
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    host.load(folder / "colors");
    REQUIRE(set_budget(host, 1, never_us) == SAC_OK);
    std::atomic<uint64_t> released = 0;
    ColorFrame picture(SAC_FORMAT_RGB8, 8, 1, 2, 1);
    count_releases(picture.frame, released);
    begin(host, picture);
    run_slice(host);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(host.destroy() == SAC_OK);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
    CHECK(released == 1);
}

TEST_CASE("tensors that are watched and times of dispatches, in slices") {
    const TempDir folder;
    write_layers_model(folder / "layers");
    Tool tool;
    tool.host.load(folder / "layers");
    const sac_running_info info = tool.running();
    std::vector<std::string> names;
    for (const sac_layer_info &layer : tool.layers())
        if (layer.kind != SAC_LAYER_FUSED && names.size() < SAC_MAX_WATCHED) names.emplace_back(layer.name);
    REQUIRE(names.size() > 2);
    const bool timestamps = device().caps().timestamps;
    REQUIRE(tool.watch(names, timestamps ? SAC_INSPECT_PROFILE : 0) == SAC_OK);
    ColorFrame picture(SAC_FORMAT_RGB8, 24, 1, 2, 1);
    std::vector<std::vector<float>> whole;
    for (const uint32_t budget : {0u, 1u, 100u, 0u}) {
        CAPTURE(budget);
        REQUIRE(set_budget(tool.host, budget) == SAC_OK);
        const uint64_t frame = tool.run(picture.frame);
        std::vector<std::vector<float>> seen;
        for (const std::string &name : names) seen.push_back(tool.tensor(name));
        if (whole.empty()) whole = seen;
        CHECK(seen == whole);
        if (!timestamps) continue;
        std::vector<float> times(info.dispatch_count);
        uint32_t count = 0;
        uint64_t sequence = 0;
        REQUIRE(tool.debug->read_dispatch_times(tool.host.context, info.model_id, times.data(), info.dispatch_count,
                                                &count, &sequence) == SAC_OK);
        CHECK(sequence == frame);
        CHECK(count == info.dispatch_count);
        for (const float time : times) CHECK(time > 0);
    }
}

TEST_CASE("budgets that are refused") {
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const auto refused = [&](const sac_budget &budget, const char *field) {
        CHECK(host.sac.set_budget(host.context, &budget) == SAC_ERROR_INVALID_ARGUMENT);
        CHECK(host.last_error().find(field) != std::string::npos);
    };
    auto budget = make_struct<sac_budget>(SAC_TYPE_BUDGET);
    budget.budget_us = 1'000'001;
    refused(budget, "budget_us");
    budget.budget_us = 5, budget.least_us = 6;
    refused(budget, "least_us");
    budget.least_us = 0, budget.host_frame_us = 1'000'001;
    refused(budget, "host_frame_us");
    budget.host_frame_us = 0, budget.reserved = 1;
    refused(budget, "reserved");
    budget.reserved = 0;
    CHECK(state_of(host).budget_us == 0);
    CHECK(state_of(host).least_us == 0);
    CHECK(state_of(host).host_frame_us == 16667);
    CHECK(host.sac.set_budget(host.context, &budget) == SAC_OK);
    CHECK(state_of(host).budget_us == 5);
    CHECK(state_of(host).least_us == 1);
    CHECK(state_of(host).host_frame_us == 16667);
    auto commands = make_struct<sac_vk_commands>(SAC_TYPE_VK_COMMANDS);
    CHECK(host.sac.record_slice(host.context, &commands) == SAC_ERROR_UNSUPPORTED);
}

TEST_CASE("mode C: a frame over several of the host's commands") {
    const TempDir folder;
    write_color_model(folder / "colors", "colors", 4);
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    if (!device().caps().timestamps) {
        CHECK(set_budget(c.host, 1) == SAC_ERROR_UNSUPPORTED);
        CHECK(set_budget(c.host, 0) == SAC_OK);
        return;
    }
    const auto slice = [&] {
        const sac_vk_commands into = c.commands.begin();
        for (int i = 0; i < 60000; ++i) {
            const sac_result result = c.host.sac.record_slice(c.host.context, &into);
            REQUIRE_MESSAGE(result >= 0, c.host.last_error());
            if (result == SAC_OK) return true;
            // Four may be in flight; with none of them under way there is no more to come.
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const sac_statistics now = c.host.statistics();
            if (now.submitted == now.finished + now.dropped_failed) break;
        }
        c.commands.submit();
        return false;
    };
    uint32_t number = 0;
    for (const uint32_t budget : {1u, 200u, 0u, 1u}) {
        CAPTURE(budget);
        REQUIRE(set_budget(c.host, budget) == SAC_OK);
        for (const bool image : {false, true}) {
            const uint32_t column = ++number % 4, row = number / 3 % 4, color = number % 3;
            ColorFrame picture(SAC_FORMAT_RGBA8, 24, column, row, color);
            std::optional<EngineImage> lent;
            if (image) {
                lent.emplace(c.engine, picture, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_LAYOUT_GENERAL);
                lent->put(picture);
            }
            REQUIRE(c.record(picture.frame) == SAC_OK);
            c.commands.submit();
            uint32_t slices = 1;
            while (slice()) {
                if (++slices == 3 && budget == 1) {  // no other frame meanwhile
                    const sac_vk_commands other = c.commands.begin();
                    CHECK(c.host.sac.record_frame(c.host.context, &picture.frame, &other) == SAC_NOT_READY);
                    c.commands.submit();
                    c.commands.submit();
                } else {
                    c.commands.submit();
                }
            }
            c.expect([&](const sac_snapshot *snapshot) {
                check_color(snapshot, 24, column, row, color);
                const sac_slices *told = slices_of(snapshot);
                CHECK((told != nullptr) == (budget > 0));
                if (told) CHECK(told->count == slices);
                if (told && budget == 1) CHECK(told->count > 6);
                CHECK(snapshot->gpu_us > 0);
            });
        }
    }
    c.settle();
    CHECK(c.host.statistics().dropped_failed == 0);
}

TEST_CASE("mode C: a slice that is thrown away drops its frame, and a context ends in the middle of one") {
    if (!device().caps().timestamps) return skip("the device has no timestamps");
    const TempDir folder;
    write_color_model(folder / "colors", "colors", 4);
    CommandsHost c;
    c.create();
    c.host.load(folder / "colors");
    REQUIRE(set_budget(c.host, 1) == SAC_OK);
    std::atomic<uint64_t> released = 0;
    ColorFrame picture(SAC_FORMAT_RGBA8, 24, 1, 2, 0);
    count_releases(picture.frame, released);
    for (const int lost : {0, 1, 3}) {  // which of the slices
        CAPTURE(lost);
        const uint64_t before = c.host.statistics().dropped_failed;
        for (int i = 0; i <= lost; ++i) {
            const sac_vk_commands into = c.commands.begin();
            if (i == 0)
                REQUIRE(c.record(picture.frame, into) == SAC_OK);
            else
                REQUIRE(c.host.sac.record_slice(c.host.context, &into) == SAC_OK);
            if (i == lost) {
                c.commands.throw_away();
            } else {
                c.commands.submit();
                c.commands.wait();
            }
        }
        c.settle();
        CHECK(c.host.statistics().dropped_failed == before + 1);
        const sac_vk_commands none = c.commands.begin();
        CHECK(c.host.sac.record_slice(c.host.context, &none) == SAC_NOT_READY);
        c.commands.submit();
    }
    CHECK(released == 3);
    // The next one is whole again.
    REQUIRE(set_budget(c.host, 0) == SAC_OK);
    REQUIRE(c.record(picture.frame) == SAC_OK);
    c.commands.submit();
    c.expect([&](const sac_snapshot *snapshot) { check_color(snapshot, 24, 1, 2, 0); });
    REQUIRE(set_budget(c.host, 1) == SAC_OK);
    REQUIRE(c.record(picture.frame) == SAC_OK);
    c.commands.submit();
    c.commands.wait();
    CHECK(c.host.destroy() == SAC_OK);
    CHECK(released == 5);
}

// What operators' plans become: dispatches, storages, uploads, and the device's limits on them. The operators here are
// made for the test and are never run.
#include <bit>
#include <cstring>

#include "compute/base/half.h"
#include "tests/graph/builder.h"
#include "tests/support/device.h"

using namespace sac;
using namespace sac::test;

namespace {

constexpr uint32_t many_groups = 100000;

Status plan_many(PlanContext &ctx) {
    Dispatch dispatch;
    dispatch.kernel = "many";
    dispatch.bindings = {{ctx.input_storage(0), false}, {ctx.output_storage(), true}};
    dispatch.groups = {many_groups, 2, 1};
    dispatch.push_words({7, 8}).push_float(0.5f);
    dispatch.flops = 1e6;
    dispatch.expected_ns = 1e5;
    ctx.dispatch(dispatch);
    return {};
}

Status plan_weights(PlanContext &ctx) {
    const StorageId packed = ctx.upload("weights", 3,
                                        [] {
                                            return std::vector<float>{1, 2, 3};
                                        }),
                    scratch = ctx.temporary("scratch", 10);
    Dispatch dispatch;
    dispatch.kernel = "weights";
    dispatch.bindings = {{ctx.input_storage(0), false},
                         {ctx.input_storage(1), false},
                         {packed, false},
                         {scratch, true},
                         {ctx.output_storage(), true}};
    ctx.dispatch(dispatch);
    return {};
}

Status plan_view(PlanContext &ctx) {
    ctx.alias_output(0, 0);
    return {};
}

Status plan_high(PlanContext &ctx) {
    Dispatch dispatch;
    dispatch.kernel = "high";
    dispatch.bindings = {{ctx.output_storage(), true}};
    dispatch.groups = {1, ctx.caps().limits.maxComputeWorkGroupCount[1] + 1, 1};
    ctx.dispatch(dispatch);
    return {};
}

Status plan_refused(PlanContext &ctx) { return ctx.unsupported("a moon that is full"); }

const Operator operators[] = {{.type = "Many", .plan = plan_many},       {.type = "Weights", .plan = plan_weights},
                              {.type = "View", .plan = plan_view},       {.type = "High", .plan = plan_high},
                              {.type = "Refused", .plan = plan_refused}, {.type = "Unplanned"}};

const Operator *lookup(std::string_view, std::string_view type, int) {
    for (const Operator &op : operators)
        if (type == op.type) return &op;
    return nullptr;
}

vk::Caps small_caps() {
    vk::Caps caps = device().caps();
    caps.limits.maxComputeWorkGroupCount[0] = 65535;
    return caps;
}

Result<Plan> planned(const GraphBuilder &g) { return choose_kernels(g.graph, lookup, small_caps(), kernels()); }

}  // namespace

TEST_CASE("more workgroups than the device allows are split by group_base") {
    GraphBuilder g;
    const ValueId x = g.input("x", {4});
    g.output(g.node("Many", {x}, "y", {4}));
    auto plan = planned(g);
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    REQUIRE(plan->dispatches.size() == 2);
    const Dispatch &first = plan->dispatches[0], &second = plan->dispatches[1];
    CHECK(first.groups == std::array<uint32_t, 3>{65535, 2, 1});
    CHECK(second.groups == std::array<uint32_t, 3>{many_groups - 65535, 2, 1});
    CHECK(first.push[0] == 0);
    CHECK(second.push[0] == 65535);
    CHECK(second.push[1] == 7);
    CHECK(second.push[3] == std::bit_cast<uint32_t>(0.5f));
    CHECK(second.push_size == 16);
    CHECK(first.flops + second.flops == doctest::Approx(1e6));
    CHECK(first.expected_ns == doctest::Approx(1e5 * 65535 / many_groups));
    CHECK(second.expected_ns == doctest::Approx(1e5 - first.expected_ns));
    CHECK(plan->storages[plan->value_storage[x]].kind == Storage::Kind::external);
}

TEST_CASE("uploads are of the storage type and padded to whole texels; constants lie as they are") {
    for (const DType storage : {DType::f32, DType::f16}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {4}), k = g.floats("k", {5}, {1, 2, 3, 4, 5});
        const ValueId y = g.node("Weights", {x, k}, "y", {1, 3, 2, 1});
        g.output(y);
        for (const ValueId id : {k, y}) g.graph.values[id].storage = storage;
        g.graph.values[y].layout = Layout::c4;
        auto plan = planned(g);
        REQUIRE_MESSAGE(plan.ok(), plan.error().message);
        REQUIRE(plan->dispatches.size() == 1);
        const auto &bindings = plan->dispatches[0].bindings;
        const auto storage_at = [&](size_t i) { return plan->storages[bindings[i].storage]; };
        const uint64_t size = size_of(storage);
        CHECK(storage_at(1).kind == Storage::Kind::weights);
        CHECK(storage_at(1).bytes == (storage == DType::f32 ? 32 : 16));
        CHECK(storage_at(2).bytes == 16);
        CHECK(storage_at(3).kind == Storage::Kind::activation);
        CHECK(storage_at(3).bytes == (10 * size + 15) / 16 * 16);
        CHECK(storage_at(4).bytes == (2 * 4 * size + 15) / 16 * 16);  // two pixels of four lanes
        CHECK(storage_at(4).dtype == storage);
        REQUIRE(plan->uploads.size() == 2);
        for (const Upload &upload : plan->uploads) {
            const std::vector<float> values = upload.pack();
            CHECK(values.size() * size <= plan->storages[upload.storage].bytes);
            REQUIRE(values.size() > 2);
            CHECK(values[2] == 3);
        }
    }
}

TEST_CASE("uploads beyond what loading may make are refused") {
    GraphBuilder g;
    const ValueId x = g.input("x", {4}), k = g.floats("k", {4}, {1, 2, 3, 4});
    g.output(g.node("Weights", {x, k}, "y", {4}));
    g.graph.host_budget = 32;  // of the operator and of the constant, 16 bytes each
    CHECK(planned(g).ok());
    g.graph.host_budget = 31;
    const auto plan = planned(g);
    REQUIRE(!plan.ok());
    CHECK(plan.error().code == Code::unsupported);
    CHECK(plan.error().message.find("test: Weights 'y'") == 0);
}

TEST_CASE("views share memory with what they view, also where that makes it an output") {
    GraphBuilder g;
    const ValueId x = g.input("x", {1, 8});
    const ValueId a = g.node("Many", {x}, "a", {1, 8});
    const ValueId b = g.node("View", {a}, "b", {8});
    const ValueId c = g.node("Many", {b}, "c", {8});
    g.output(b);
    g.output(c);
    auto plan = planned(g);
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    CHECK(plan->value_storage[a] == plan->value_storage[b]);
    CHECK(plan->storages[plan->value_storage[a]].kind == Storage::Kind::external);
    REQUIRE(plan_memory(*plan, small_caps()).ok());
    for (const ValueId id : {x, a, b, c}) CHECK(plan->storages[plan->value_storage[id]].buffer != UINT32_MAX);
    size_t externals = 0;
    for (const auto &buffer : plan->buffers) externals += buffer.kind == Storage::Kind::external;
    CHECK(externals == 3);
}

TEST_CASE("errors name the file and the node") {
    for (const auto &[type, text] :
         {std::pair{"High", "more workgroups"}, {"Refused", "a moon that is full"}, {"Unplanned", "no kernel"}}) {
        GraphBuilder g;
        const ValueId x = g.input("x", {4});
        g.output(g.node(type, {x}, "node", {4}));
        const auto plan = planned(g);
        REQUIRE(!plan.ok());
        CHECK(plan.error().code == Code::unsupported);
        const std::string &message = plan.error().message;
        CHECK_MESSAGE(message.find("test: " + std::string(type) + " 'node'") == 0, message);
        CHECK_MESSAGE(message.find(text) != std::string::npos, message);
    }
}

TEST_CASE("a texel variant is only available to tensors that its views hold") {
    const EmbeddedKernel *texel = nullptr, *plain = nullptr;
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        if (!kernels().available(kernel.name)) continue;
        (std::string_view(kernel.defines).find("TEXEL") != std::string_view::npos ? texel : plain) = &kernel;
    }
    REQUIRE(plain);
    GraphBuilder g;
    Plan plan;
    plan.graph = g.graph;
    vk::Caps caps = device().caps();
    caps.limits.maxTexelBufferElements = 65536;
    for (const uint64_t bytes : {uint64_t{65536} * 16, uint64_t{65536} * 16 + 16}) {
        Storage storage;
        storage.bytes = bytes;
        plan.storages.push_back(storage);
    }
    const Tuning tuning;
    const PlanContext ctx(plan, 0, caps, kernels(), tuning);
    CHECK(!ctx.available("no such kernel"));
    CHECK(ctx.available(plain->name, {0, 1}));
    if (texel) {
        CHECK(ctx.available(texel->name, {0}));
        CHECK(!ctx.available(texel->name, {0, 1}));
    }
}

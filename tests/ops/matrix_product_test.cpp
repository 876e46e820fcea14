// labels: no_min
// Which tiling of the matrix core is expected to be fastest: on GPUs, of which none is here, by what their limits say.
#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/coopmat_device.h"
#include "tests/support/device.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

struct Problem {
    int64_t rows, depth, columns;
    DType storage = DType::f32;
};

// The candidate that is taken for a product on a device of `caps`.
std::string taken(const Problem &problem, const vk::Caps &caps, const KernelTable &kernels) {
    Graph graph;
    const ValueId a = graph.add_value("a"), y = graph.add_value("y");
    graph.values[a].shape = {problem.rows, problem.depth};
    graph.values[a].known = true;
    const auto count = static_cast<size_t>(problem.depth * problem.columns);
    const ValueId b = graph.add_constant(
        "b", HostTensor::from_floats({problem.depth, problem.columns}, std::vector<float>(count, 1.0f)));
    graph.inputs = {a};
    graph.outputs = {y};
    Node node;
    node.name = "node";
    node.type = "Gemm";
    node.opset = 17;
    node.inputs = {a, b};
    node.outputs = {y};
    graph.nodes.push_back(std::move(node));
    SessionOptions options;
    options.storage = problem.storage;
    const auto plan = make_plan(std::move(graph), caps, kernels, options);
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    REQUIRE(plan->choices.size() == 1);
    return plan->choices[0].candidates[plan->choices[0].taken];
}

vk::Caps as_gpu(vk::Caps caps) {
    caps.is_cpu = false;
    return caps;
}

}  // namespace

TEST_CASE("matrix product: on a CPU tiles stay in registers") {
    if (!device().caps().is_cpu) return skip("not a CPU driver");
    for (const DType storage : {DType::f32, DType::f16}) {
        const std::string name = taken({3136, 256, 64, storage}, device().caps(), kernels());
        CHECK((name == "24x8" || name == "32x4" || name == "16x8"));
    }
}

TEST_CASE("matrix product: on a GPU large products take large blocks, and small ones small blocks") {
    const vk::Caps gpu = as_gpu(device().caps());
    if (!gpu.satisfies("large,float16")) return skip("the device has no workgroups of 256 or no half arithmetic");
    CHECK(taken({16384, 512, 1024}, gpu, kernels()) == "128x128");
    CHECK(taken({16384, 512, 64}, gpu, kernels()) == "128x64");  // the other half of 128 columns would be padding
    CHECK(taken({49, 2048, 512}, gpu, kernels()) == "32x32");
    CHECK(taken({1, 512, 1000}, gpu, kernels()) == "32x32");
    CHECK(taken({16384, 512, 1024, DType::f16}, gpu, kernels()) == "128x64");
    CHECK(taken({16384, 512, 32, DType::f16}, gpu, kernels()) == "128x64");
    CHECK(taken({49, 2048, 512, DType::f16}, gpu, kernels()) == "32x32");
}

TEST_CASE("matrix product: halves go to cooperative matrices where there are some") {
    if (!vk::coopmat_extension()) return skip("the compiler of the shaders knows no cooperative matrices");
    for (const uint32_t subgroup : {32u, 64u}) {
        const auto made = vk::Device::create(coopmat_device_options({.subgroup_size = subgroup}));
        REQUIRE_MESSAGE(made.ok(), made.error().message);
        const auto table = KernelTable::create(**made, "");
        REQUIRE(table.ok());
        const vk::Caps gpu = as_gpu((*made)->caps());
        const std::string of = subgroup == 64 ? " of 64" : "";
        CHECK(taken({16384, 512, 1024, DType::f16}, gpu, **table) == "coopmat 128x128" + of);
        CHECK(taken({4096, 512, 64, DType::f16}, gpu, **table) == "coopmat 64x64" + of);
        CHECK(taken({49, 2048, 512, DType::f16}, gpu, **table) == "coopmat 32x32" + of);
        CHECK(taken({16384, 512, 1024}, gpu, **table) == "128x128");  // not floats
    }
}

// labels: host_only no_asan
// Networks of tens of thousands of nodes: every phase up to the plan takes time in proportion to them. A phase that did
// not would keep this test for many minutes.
#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/model.h"

namespace sac::test {
namespace {

using Ints = std::vector<int64_t>;

/// Appends nodes one after the other, all of one name.
class Chain {
public:
    Chain() {
        model_.input("x", {1, 4, 2, 2});
        model_.floats("w", {4, 4, 1, 1}, std::vector<float>(16, 0.25f));
        model_.floats("offset", {4, 1, 1}, std::vector<float>(4, 0.5f));
        model_.int64s("flat", {2}, Ints{1, 16});
        model_.int64s("back", {4}, Ints{1, 4, 2, 2});
    }

    void append(const std::string &type, const std::vector<std::string> &more = {},
                const onnx::ModelWriter::Attributes &attributes = {}) {
        std::vector<std::string> inputs = {last_};
        inputs.insert(inputs.end(), more.begin(), more.end());
        last_ = "v" + std::to_string(++count_);
        model_.node(type, inputs, {last_}, attributes, "node");
    }
    const std::string &last() const { return last_; }
    size_t count() const { return count_; }

    Plan plan() {
        model_.output(last_);
        auto plan = make_plan(import_model(model_), device().caps(), kernels(), {});
        REQUIRE_MESSAGE(plan.ok(), plan.error().message);
        return std::move(*plan);
    }

private:
    onnx::ModelWriter model_;
    std::string last_ = "x";
    size_t count_ = 0;
};

constexpr size_t most_nodes = 50'000;

}  // namespace

TEST_CASE("fifty thousand nodes that are all needed") {
    Chain chain;
    while (chain.count() < most_nodes) chain.append("Sin");
    const Plan plan = chain.plan();
    CHECK(plan.graph.nodes.size() == most_nodes);
    CHECK(plan.graph.nodes.back().name == "node#50000");
    CHECK(plan.dispatches.size() == most_nodes);
    CHECK(plan.arena_bytes == plan.live_set_bytes);
}

TEST_CASE("fifty thousand nodes of which fusing leaves an eighth") {
    Chain chain;
    while (chain.count() < most_nodes) {
        const std::string before = chain.last();
        chain.append("Conv", {"w"});
        chain.append("Add", {"offset"});
        chain.append("Add", {before});
        chain.append("Relu");
        chain.append("Identity");
        chain.append("Transpose", {}, {{"perm", Ints{0, 2, 3, 1}}});
        chain.append("Transpose", {}, {{"perm", Ints{0, 3, 1, 2}}});
        chain.append("Dropout");
    }
    const Plan plan = chain.plan();
    size_t convolutions = 0;
    for (const Node &node : plan.graph.nodes) convolutions += node.type == "Conv";
    CHECK(convolutions == most_nodes / 8);
    CHECK(plan.graph.nodes.size() <= most_nodes / 8 + 2);  // and the conversions at both ends
}

TEST_CASE("fifty thousand nodes that change nothing") {
    Chain chain;
    while (chain.count() < most_nodes) {
        chain.append("Reshape", {"flat"});
        chain.append("Reshape", {"back"});
        chain.append("Identity");
        chain.append("Transpose", {}, {{"perm", Ints{0, 3, 2, 1}}});
        chain.append("Transpose", {}, {{"perm", Ints{0, 3, 2, 1}}});
    }
    chain.append("Sin");
    const Plan plan = chain.plan();
    CHECK(plan.graph.nodes.size() == 1);
}

TEST_CASE("one value that fifty thousand nodes read, all joined in the end") {
    constexpr size_t readers = most_nodes / 2;
    onnx::ModelWriter model;
    model.input("x", {1, 4, 2, 2});
    std::vector<std::string> joined;
    for (size_t i = 0; i < readers; ++i) {
        joined.push_back("y" + std::to_string(i));
        model.node("Identity", {"x"}, {"i" + std::to_string(i)}, {}, "same");
        model.node("Sin", {"i" + std::to_string(i)}, {joined.back()});
    }
    model.node("Concat", joined, {"y"}, {{"axis", int64_t{0}}});
    model.output("y");
    auto plan = make_plan(import_model(model), device().caps(), kernels(), {});
    REQUIRE_MESSAGE(plan.ok(), plan.error().message);
    CHECK(plan->graph.nodes.size() == readers + 1);
}

}  // namespace sac::test

// labels: bad_input
// sac.debug/1: what was chosen for each node, the device's ceiling, and tuning.

#include <doctest/doctest.h>

#include <cstring>

#include "compute/onnx/model_writer.h"
#include "plugins/vision/saccade_debug.h"
#include "tests/support/files.h"
#include "tests/support/ref.h"
#include "tests/vision/abi_support.h"

using namespace sac;
using namespace sac::test;

namespace {

// A context with a cache folder, and a network of two convolutions of one problem and a global mean.
struct Kernels {
    TempDir folder;
    TestHost host;
    std::string path, caches;
    const sac_debug_api *debug = nullptr;
    sac_network_desc network = make_struct<sac_network_desc>(SAC_TYPE_NETWORK_DESC);
    sac_tuning_desc desc = make_struct<sac_tuning_desc>(SAC_TYPE_TUNING_DESC);
    sac_tuning_info info = make_struct<sac_tuning_info>(SAC_TYPE_TUNING_INFO);

    explicit Kernels(bool keeps = true) {
        onnx::ModelWriter model;
        const std::vector<int64_t> same = {1, 1, 1, 1};
        model.input("x", {1, 16, "height", 12});
        model.floats("w", {16, 16, 3, 3}, random_floats(16 * 144, 1, -0.1, 0.1));
        model.node("Conv", {"x", "w"}, {"a"}, {{"pads", same}}, "first");
        model.node("Conv", {"a", "w"}, {"b"}, {{"pads", same}}, "second");
        model.node("GlobalAveragePool", {"b"}, {"y"}, {}, "mean");
        model.output("y");
        path = (folder / "net.onnx").string();
        caches = (folder / "caches").string();
        REQUIRE(model.save(path).ok());
        if (keeps) host.desc.cache_directory = caches.c_str();
        REQUIRE_MESSAGE(host.create() == SAC_OK, host.last_error());
        debug = static_cast<const sac_debug_api *>(host.sac.get_extension(host.context, "sac.debug/1"));
        REQUIRE(debug);
        static const sac_dimension height = {"height", 10};
        network.path = path.c_str();
        network.dimensions = &height;
        network.dimension_count = 1;
        desc.network = &network;
    }

    std::vector<sac_node_info> nodes(uint32_t flags = 0) {
        network.flags = flags;
        sac_network opened = {};
        REQUIRE_MESSAGE(debug->open_network(host.context, &network, &opened) == SAC_OK, host.last_error());
        network.flags = 0;
        REQUIRE(debug->run_network(host.context, opened, nullptr) == SAC_OK);
        auto about = make_struct<sac_network_info>(SAC_TYPE_NETWORK_INFO);
        REQUIRE(debug->get_network_info(host.context, opened, &about) == SAC_OK);
        std::vector<sac_node_info> list;
        auto node = make_struct<sac_node_info>(SAC_TYPE_NODE_INFO);
        double flops = 0;
        uint32_t dispatches = 0;
        for (uint32_t i = 0; i < about.node_count; ++i) {
            REQUIRE(debug->get_node_info(host.context, opened, i, &node) == SAC_OK);
            CHECK((node.dispatch_count == 0 || node.first_dispatch == dispatches));
            flops += node.flops;
            dispatches += node.dispatch_count;
            list.push_back(node);
        }
        CHECK(flops == doctest::Approx(about.flops));
        CHECK(dispatches == about.dispatch_count);
        CHECK(debug->get_node_info(host.context, opened, about.node_count, &node) == SAC_ERROR_NOT_FOUND);
        REQUIRE(debug->close_network(host.context, opened) == SAC_OK);
        return list;
    }
};

const sac_node_info &named(const std::vector<sac_node_info> &nodes, const std::string &name) {
    for (const sac_node_info &node : nodes)
        if (name == node.node) return node;
    FAIL("no node " << name);
    return nodes[0];
}

}  // namespace

TEST_CASE("a network is tuned, and loads with the winners from then on") {
    Kernels kernels;
    const auto before = kernels.nodes();
    const sac_node_info &first = named(before, "first");
    CHECK(std::string(first.operation) == "Conv");
    CHECK(first.candidate_count >= 2);
    CHECK(first.is_measured == 0);
    CHECK(*first.candidate != 0);
    CHECK(first.read_bytes >= 4 * 16 * (120 + 144));
    CHECK(first.write_bytes == 4 * 16 * 120);
    CHECK(std::string(first.problem) == named(before, "second").problem);
    const sac_node_info &mean = named(before, "mean");
    CHECK(mean.candidate_count == 0);
    CHECK(*mean.problem == 0);
    CHECK(mean.read_bytes == 4 * 16 * 120);
    CHECK(mean.write_bytes == 4 * 16);

    struct Told {
        uint32_t times = 0, done = 0;
    } told;
    kernels.desc.user = &told;
    kernels.desc.progress = [](void *user, const sac_tuning_progress *progress) -> int32_t {
        auto &t = *static_cast<Told *>(user);
        CHECK(progress->done >= t.done);
        CHECK(progress->done <= progress->total);
        t.done = progress->done;
        ++t.times;
        return 0;
    };
    REQUIRE_MESSAGE(kernels.debug->tune_network(kernels.host.context, &kernels.desc, &kernels.info) == SAC_OK,
                    kernels.host.last_error());
    CHECK(told.times > 4);
    CHECK(kernels.info.is_stopped == 0);
    CHECK(kernels.info.problem_count == 1);
    CHECK(kernels.info.expected_us > 0);
    CHECK(kernels.info.tuned_us > 0);
    CHECK(std::string(kernels.info.path).starts_with(kernels.caches + "/tuning-"));
    CHECK(std::filesystem::exists(kernels.info.path));
    auto problem = make_struct<sac_tuned_problem>(SAC_TYPE_TUNED_PROBLEM);
    REQUIRE(kernels.debug->get_tuned_problem(kernels.host.context, 0, &problem) == SAC_OK);
    CHECK(std::string(problem.problem) == first.problem);
    CHECK(problem.node_count == 2);
    REQUIRE(problem.candidate_count == first.candidate_count);
    REQUIRE(problem.winner < problem.candidate_count);
    REQUIRE(problem.expected < problem.candidate_count);
    CHECK(std::string(problem.candidates[problem.expected].name) == first.candidate);
    for (uint32_t i = 0; i < problem.candidate_count; ++i) CHECK(problem.candidates[i].microseconds > 0);
    CHECK(kernels.debug->get_tuned_problem(kernels.host.context, 1, &problem) == SAC_ERROR_NOT_FOUND);

    const auto after = kernels.nodes(SAC_NETWORK_PROFILE);
    for (const char *name : {"first", "second"}) {
        CHECK(named(after, name).is_measured == 1);
        CHECK(std::string(named(after, name).candidate) == problem.candidates[problem.winner].name);
    }
    // Halves are a problem of their own, of which nothing is known.
    CHECK(named(kernels.nodes(SAC_MODEL_FP16), "first").is_measured == 0);

    // A file that names what is not there any more, or is damaged, changes nothing.
    std::string text = read_text(kernels.info.path);
    const std::string winner = std::string(": \"") + problem.candidates[problem.winner].name + "\"";
    REQUIRE(text.find(winner) != std::string::npos);
    text.replace(text.find(winner), winner.size(), ": \"9x9\"");
    write_text(kernels.info.path, text);
    CHECK(named(kernels.nodes(), "first").is_measured == 0);
    CHECK(std::string(named(kernels.nodes(), "first").candidate) == first.candidate);
    const size_t logged = kernels.host.logged().size();
    write_text(kernels.info.path, "{");
    CHECK(named(kernels.nodes(), "first").is_measured == 0);
    REQUIRE(kernels.host.logged().size() == logged + 1);
    CHECK(kernels.host.logged().back().find("damaged") != std::string::npos);
}

TEST_CASE("tuning ends when the host says so, and needs no cache folder") {
    Kernels kernels(false);
    kernels.desc.progress = [](void *, const sac_tuning_progress *) -> int32_t { return 1; };
    REQUIRE(kernels.debug->tune_network(kernels.host.context, &kernels.desc, &kernels.info) == SAC_OK);
    CHECK(kernels.info.is_stopped == 1);
    CHECK(kernels.info.problem_count == 1);
    CHECK(*kernels.info.path == 0);
    CHECK(kernels.info.expected_us == 0);
    CHECK(named(kernels.nodes(), "first").is_measured == 0);
}

TEST_CASE("the ceiling is measured") {
    Kernels kernels(false);
    auto ceiling = make_struct<sac_ceiling>(SAC_TYPE_CEILING);
    REQUIRE(kernels.debug->measure_ceiling(kernels.host.context, 0, &ceiling) == SAC_OK);
    CHECK(ceiling.gflops > 0);
    CHECK(ceiling.gbytes > 0);
    CHECK(kernels.debug->measure_ceiling(kernels.host.context, 2, &ceiling) == SAC_ERROR_UNSUPPORTED);
    CHECK(kernels.host.last_error().find("flags") != std::string::npos);
    ceiling.type = 3;
    CHECK(kernels.debug->measure_ceiling(kernels.host.context, 0, &ceiling) == SAC_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("what cannot be tuned is refused before anything is measured") {
    Kernels kernels;
    const auto refuse = [&](sac_result code, const char *word) {
        CHECK(kernels.debug->tune_network(kernels.host.context, &kernels.desc, &kernels.info) == code);
        CHECK_MESSAGE(kernels.host.last_error().find(word) != std::string::npos, kernels.host.last_error());
    };
    kernels.desc.progress = [](void *, const sac_tuning_progress *) -> int32_t {
        FAIL_CHECK("measured");
        return 1;
    };
    kernels.info.type = 7;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "info.type");
    kernels.info.type = SAC_TYPE_TUNING_INFO;
    kernels.desc.reserved = 1;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "tuning_desc.reserved");
    kernels.desc.reserved = 0;
    kernels.desc.network = nullptr;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "tuning_desc.network");
    kernels.desc.network = &kernels.network;
    kernels.network.dimension_count = 0;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "height");
    kernels.network.dimension_count = 1;
    kernels.network.path = "";
    refuse(SAC_ERROR_INVALID_ARGUMENT, "network_desc.path");
    const std::string nowhere = (kernels.folder / "nowhere.onnx").string();
    kernels.network.path = nowhere.c_str();
    refuse(SAC_ERROR_NOT_FOUND, "nowhere.onnx");
    auto problem = make_struct<sac_tuned_problem>(SAC_TYPE_TUNED_PROBLEM);
    CHECK(kernels.debug->get_tuned_problem(kernels.host.context, 0, &problem) == SAC_ERROR_NOT_FOUND);
}

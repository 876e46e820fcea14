// labels: bad_input
// sac.debug/1: networks by themselves.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "compute/onnx/model_writer.h"
#include "plugins/vision/saccade_debug.h"
#include "tests/support/files.h"
#include "tests/vision/abi_support.h"

using namespace sac;
using namespace sac::test;

namespace {

const sac_debug_api &debug_api(const TestHost &host) {
    const auto *table = static_cast<const sac_debug_api *>(host.sac.get_extension(host.context, "sac.debug/1"));
    REQUIRE(table);
    CHECK(table->size == sizeof(sac_debug_api));
    CHECK(table->version == 3);
    return *table;
}

// y = relu(w * x + b), a 1 x 1 convolution over "height" x 3 pixels.
void write_network(const std::filesystem::path &path) {
    onnx::ModelWriter model;
    model.input("x", {1, 2, "height", 3});
    const float weights[] = {1, 2, 3, -4}, bias[] = {0.5f, -0.5f};
    model.floats("w", {2, 2, 1, 1}, weights);
    model.floats("b", {2}, bias);
    model.node("Conv", {"x", "w", "b"}, {"c"}, {}, "first");
    model.node("Relu", {"c"}, {"y"}, {}, "second");
    model.output("y");
    REQUIRE(model.save(path.string()).ok());
}

}  // namespace

TEST_CASE("a network is opened, described, run and closed") {
    const TempDir folder;
    write_network(folder / "model.onnx");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const sac_debug_api &debug = debug_api(host);
    auto desc = make_struct<sac_network_desc>(SAC_TYPE_NETWORK_DESC);
    const std::string path = folder.path().string();  // a folder stands for its model.onnx
    const sac_dimension height = {"height", 4};
    desc.path = path.c_str();
    desc.dimensions = &height;
    desc.dimension_count = 1;
    desc.flags = SAC_NETWORK_PROFILE;
    sac_network network = {};
    REQUIRE_MESSAGE(debug.open_network(host.context, &desc, &network) == SAC_OK, host.last_error());

    auto info = make_struct<sac_network_info>(SAC_TYPE_NETWORK_INFO);
    REQUIRE(debug.get_network_info(host.context, network, &info) == SAC_OK);
    CHECK(info.input_count == 1);
    CHECK(info.output_count == 1);
    CHECK(info.dispatch_count >= 1);
    CHECK(info.flops >= 2 * (2 * 2) * 12);  // padded channels may count
    CHECK(info.weight_bytes > 0);
    CHECK(info.load_ms > 0);
    auto tensor = make_struct<sac_tensor_info>(SAC_TYPE_TENSOR_INFO);
    REQUIRE(debug.get_tensor_info(host.context, network, 0, &tensor) == SAC_OK);
    CHECK(std::string(tensor.name) == "x");
    CHECK(tensor.rank == 4);
    CHECK(tensor.shape[2] == 4);
    REQUIRE(debug.get_tensor_info(host.context, network, 1, &tensor) == SAC_OK);
    CHECK(std::string(tensor.name) == "y");
    CHECK(debug.get_tensor_info(host.context, network, 2, &tensor) == SAC_ERROR_NOT_FOUND);

    std::vector<float> x(24), y(24);
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    REQUIRE(debug.write_input(host.context, network, "x", x.data(), x.size()) == SAC_OK);
    uint64_t wall_ns = 0;
    REQUIRE(debug.run_network(host.context, network, &wall_ns) == SAC_OK);
    CHECK(wall_ns > 0);
    REQUIRE(debug.read_output(host.context, network, "y", y.data(), y.size()) == SAC_OK);
    for (size_t i = 0; i < 12; ++i) {
        CHECK(y[i] == doctest::Approx(std::max(0.0f, x[i] + 2 * x[i + 12] + 0.5f)).epsilon(1e-4));
        CHECK(y[i + 12] == doctest::Approx(std::max(0.0f, 3 * x[i] - 4 * x[i + 12] - 0.5f)).epsilon(1e-4));
    }
    auto dispatch = make_struct<sac_dispatch_info>(SAC_TYPE_DISPATCH_INFO);
    double flops = 0;
    for (uint32_t i = 0; i < info.dispatch_count; ++i) {
        REQUIRE(debug.get_dispatch_info(host.context, network, i, &dispatch) == SAC_OK);
        CHECK_FALSE(std::string(dispatch.kernel).empty());
        CHECK(dispatch.groups[0] > 0);
        flops += dispatch.flops;
    }
    CHECK(flops == info.flops);
    CHECK(debug.get_dispatch_info(host.context, network, info.dispatch_count, &dispatch) == SAC_ERROR_NOT_FOUND);
    uint64_t size = 0;
    REQUIRE(debug.describe_network(host.context, network, nullptr, 0, &size) == SAC_OK);
    std::string text(size, 'x');
    REQUIRE(debug.describe_network(host.context, network, text.data(), text.size(), nullptr) == SAC_OK);
    CHECK(text.find(dispatch.kernel) != std::string::npos);

    CHECK(debug.write_input(host.context, network, "x", x.data(), 23) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(debug.write_input(host.context, network, "z", x.data(), 24) == SAC_ERROR_NOT_FOUND);
    CHECK(debug.write_input(host.context, network, nullptr, x.data(), 24) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(debug.write_input(host.context, network, "x", nullptr, 24) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(debug.read_output(host.context, network, "y", y.data(), 25) == SAC_ERROR_INVALID_ARGUMENT);
    CHECK(host.last_error().find("'y'") != std::string::npos);
    CHECK(debug.read_output(host.context, network, "z", y.data(), 24) == SAC_ERROR_NOT_FOUND);

    REQUIRE(debug.close_network(host.context, network) == SAC_OK);
    CHECK(debug.close_network(host.context, network) == SAC_ERROR_NOT_FOUND);
    CHECK(debug.run_network(host.context, network, nullptr) == SAC_ERROR_NOT_FOUND);
    CHECK(host.last_error().find("no network") != std::string::npos);
    // One that is left open goes with its context.
    REQUIRE(debug.open_network(host.context, &desc, &network) == SAC_OK);
}

TEST_CASE("a network that cannot be opened says why") {
    const TempDir folder;
    write_network(folder / "model.onnx");
    TestHost host;
    REQUIRE(host.create() == SAC_OK);
    const sac_debug_api &debug = debug_api(host);
    auto desc = make_struct<sac_network_desc>(SAC_TYPE_NETWORK_DESC);
    sac_network network = {7};
    const auto refuse = [&](sac_result code, const char *word) {
        CHECK(debug.open_network(host.context, &desc, &network) == code);
        CHECK_MESSAGE(host.last_error().find(word) != std::string::npos, host.last_error());
        CHECK(network.id == 0);
    };
    refuse(SAC_ERROR_INVALID_ARGUMENT, "network_desc.path");
    const std::string nowhere = (folder / "nowhere.onnx").string(), there = (folder / "model.onnx").string();
    desc.path = nowhere.c_str();
    refuse(SAC_ERROR_NOT_FOUND, "nowhere.onnx");
    desc.path = there.c_str();
    desc.flags = 2;
    refuse(SAC_ERROR_UNSUPPORTED, "network_desc.flags");
    desc.flags = 0;
    desc.dimension_count = 1;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "network_desc.dimensions");
    const sac_dimension unnamed = {nullptr, 3};
    desc.dimensions = &unnamed;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "network_desc.dimensions[0]");
    desc.dimension_count = 0;
    CHECK(debug.open_network(host.context, &desc, &network) < 0);
    CHECK_MESSAGE(host.last_error().find("height") != std::string::npos, host.last_error());
    desc.type = 3;
    refuse(SAC_ERROR_INVALID_ARGUMENT, "network_desc.type");
}

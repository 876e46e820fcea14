// labels: real no_asan
// Public networks against the tensors that another runtime computed, and their plans' memory and barriers.
#include <doctest/doctest.h>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/ref.h"

namespace sac::test {
namespace {

struct RealModel {
    const char *model, *input, *output;  ///< below the folder of public weights
};
constexpr RealModel fastestdet = {"detect-fastestdet/FastestDet.onnx", "detect-fastestdet/input_dog_bike_car.npy",
                                  "detect-fastestdet/output_dog_bike_car.npy"};
constexpr RealModel mobilenet_v2 = {"classify-mobilenetv2/mobilenet_v2_224.onnx", "classify-mobilenetv2/in_0.npy",
                                    "classify-mobilenetv2/out_0.npy"};

void check_model(const RealModel &model, DType storage, Layout layout, double bound) {
    const auto folder = real_data("");
    if (!folder) return;
    auto input = read_npy(*folder / model.input), expected = read_npy(*folder / model.output);
    REQUIRE_MESSAGE(input.ok(), input.error().message);
    REQUIRE_MESSAGE(expected.ok(), expected.error().message);
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE_MESSAGE(runtime.ok(), runtime.error().message);

    const std::string path = (*folder / model.model).string();
    SessionOptions options;
    options.storage = storage;
    if (layout == Layout::c4) {
        auto plain = Session::load(**runtime, path, options);
        REQUIRE_MESSAGE(plain.ok(), plain.error().message);
        for (const auto list : {(*plain)->inputs(), (*plain)->outputs()})
            for (const TensorInfo &info : list) options.formats[info.name] = {Layout::c4, storage};
    }
    auto session = Session::load(**runtime, path, options);
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    REQUIRE((*session)->inputs().size() == 1);
    REQUIRE((*session)->outputs().size() == 1);
    const std::string in = (*session)->inputs()[0].name, out = (*session)->outputs()[0].name;
    CHECK((*session)->inputs()[0].layout == layout);
    CHECK((*session)->outputs()[0].shape == expected->shape);
    REQUIRE((*session)->write_input(in, input->floats()).ok());
    for (int run = 0; run < 2; ++run) {
        REQUIRE((*session)->run().ok());
        auto actual = (*session)->read_output(out);
        REQUIRE_MESSAGE(actual.ok(), actual.error().message);
        const double error = relative_error(*actual, expected->floats());
        MESSAGE(std::string(model.model) << " as " << std::string(name_of(storage)) << ", "
                                         << std::string(name_of(layout)) << ": error " << error);
        CHECK(error < bound);
    }
}

}  // namespace

// Halves are rounded once a layer, 2^-11 each, through 55 to 110 layers.
TEST_CASE("FastestDet computes what another runtime computes") {
    check_model(fastestdet, DType::f32, Layout::dense, 1e-4);
    check_model(fastestdet, DType::f32, Layout::c4, 1e-4);
    check_model(fastestdet, DType::f16, Layout::dense, 1e-2);
}

TEST_CASE("MobileNetV2 computes what another runtime computes") {
    check_model(mobilenet_v2, DType::f32, Layout::dense, 1e-4);
    check_model(mobilenet_v2, DType::f16, Layout::dense, 1e-2);
}

TEST_CASE("the memory and the barriers of real plans") {
    const auto folder = real_data("");
    if (!folder) return;
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    for (const RealModel &model : {fastestdet, mobilenet_v2}) {
        CAPTURE(std::string(model.model));
        auto session = Session::load(**runtime, (*folder / model.model).string(), {});
        REQUIRE_MESSAGE(session.ok(), session.error().message);
        Plan plan = (*session)->plan();
        MESSAGE(std::string(model.model) << ": arena " << plan.arena_bytes << " bytes, live set "
                                         << plan.live_set_bytes);
        CHECK(plan.arena_bytes >= plan.live_set_bytes);
        CHECK(static_cast<double>(plan.arena_bytes) <= 1.2 * static_cast<double>(plan.live_set_bytes));
        CHECK(check_hazards(plan).empty());
        // Every barrier that was set is needed.
        size_t barriers = 0;
        for (size_t i = 0; i < plan.dispatches.size(); ++i) {
            if (!plan.barrier_before[i]) continue;
            ++barriers;
            plan.barrier_before[i] = false;
            CHECK(!check_hazards(plan).empty());
            plan.barrier_before[i] = true;
        }
        CHECK(barriers > plan.dispatches.size() / 2);
    }
}

}  // namespace sac::test

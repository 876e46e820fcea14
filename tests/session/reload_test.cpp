// A session goes on with shaders that were changed while it was loaded. Only where hot reload is built in (the debug
// preset).
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "compute/session.h"
#include "tests/support/device.h"
#include "tests/support/files.h"
#include "tests/support/model.h"

namespace sac::test {
#ifdef SACCADE_HOT_RELOAD

TEST_CASE("a changed shader is what the next run computes") {
    namespace fs = std::filesystem;
    const TempDir dir;
    const ScopedEnv env("SACCADE_SHADER_DIR", (dir / "shaders").c_str());
    fs::copy(fs::path(SACCADE_SOURCE_DIR) / "shaders", dir / "shaders", fs::copy_options::recursive);
    onnx::ModelWriter model(13);
    model.input("x", {2, 3});
    model.node("Exp", {"x"}, {"y"});
    model.output("y");
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    auto session = Session::load(**runtime, import_model(model), {});
    REQUIRE_MESSAGE(session.ok(), session.error().message);
    const std::vector<float> x = {-1, 0, 0.5f, 1, 2, 3};
    REQUIRE((*session)->write_input("x", x).ok());
    const auto check = [&](float more) {
        REQUIRE((*session)->run().ok());
        const auto y = (*session)->read_output("y");
        REQUIRE(y.ok());
        for (size_t i = 0; i < x.size(); ++i) CHECK((*y)[i] == doctest::Approx(std::exp(x[i]) + more).epsilon(1e-5));
    };
    check(0);

    const fs::path path = dir / "shaders/ops/unary.comp";
    const std::string original = read_text(path), from = "return exp(x);";
    const size_t at = original.find(from);
    REQUIRE(at != std::string::npos);
    const auto write = [&](const std::string &text) {
        const auto before = fs::last_write_time(path);
        write_text(path, text);
        if (fs::last_write_time(path) <= before) fs::last_write_time(path, before + std::chrono::seconds(1));
    };
    std::string changed = original;
    write(changed.replace(at, from.size(), "return exp(x) + 10.0;"));
    auto swapped = (*runtime)->kernels->reload_changed();
    REQUIRE_MESSAGE(swapped.ok(), swapped.error().message);
    CHECK_MESSAGE(*swapped > 0, (*runtime)->kernels->last_reload_error());
    check(10);

    write(changed + "no shader any more");
    CHECK(*(*runtime)->kernels->reload_changed() == 0);
    check(10);
    write(original);
    CHECK(*(*runtime)->kernels->reload_changed() > 0);
    check(0);
}

#else
TEST_CASE("without hot reload a session's kernels stay") {
    auto runtime = Runtime::create(device(), {.cache_directory = ""});
    REQUIRE(runtime.ok());
    const uint64_t generation = (*runtime)->kernels->generation();
    CHECK(*(*runtime)->kernels->reload_changed() == 0);
    CHECK((*runtime)->kernels->generation() == generation);
}
#endif
}  // namespace sac::test

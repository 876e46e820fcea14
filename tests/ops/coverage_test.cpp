// labels: host_only
// Every operator kernel belongs to a test file that checks each of its variants.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "compute/kernels/embedded.h"
#include "compute/ops/builtin_ops.h"
#include "tests/support/files.h"

using namespace sac;

namespace {

std::string all_test_files() {
    std::string text;
    const std::filesystem::path folder = std::filesystem::path(SACCADE_SOURCE_DIR) / "tests" / "ops";
    for (const auto &entry : std::filesystem::directory_iterator(folder)) text += test::read_text(entry.path());
    return text;
}

}  // namespace

TEST_CASE("coverage: every kernel of the operators is checked in all its variants") {
    const std::string tests = all_test_files();
    size_t kernels = 0;
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        const std::string source = kernel.source;
        if (!source.starts_with("ops/")) continue;
        ++kernels;
        CHECK_MESSAGE(tests.find("check_every_variant(\"" + source + "\")") != std::string::npos, source);
    }
    CHECK(kernels > 100);
}

TEST_CASE("coverage: every operator that runs on the device has a test that names it") {
    const std::string tests = all_test_files();
    size_t operators = 0;
    for (const Operator *op : builtin_operators()) {
        // Conversions are put in by the layout pass, which check_conversions brings about; Cast has no values of its
        // own.
        const std::string type = op->type;
        if (!op->plan || type == "ToC4" || type == "ToDense" || type == "Convert" || type == "Cast") continue;
        ++operators;
        CHECK_MESSAGE(tests.find("\"" + type + "\"") != std::string::npos, type);
    }
    CHECK(operators > 40);
}

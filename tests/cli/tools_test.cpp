// saccade inspect and run.
#include <doctest/doctest.h>

#include <cmath>

#include "compute/onnx/model_writer.h"
#include "samples/cli/npy.h"
#include "samples/networks/networks.h"
#include "tests/cli/program.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::test;

namespace {

// y = relu(x) with a symbolic width.
std::string relu_network(const TempDir &dir) {
    onnx::ModelWriter model;
    model.input("x", {1, 2, 3, "width"});
    model.node("Relu", {"x"}, {"y"});
    model.output("y");
    std::string path = (dir / "relu.onnx").string();
    REQUIRE(model.save(path).ok());
    return path;
}

}  // namespace

TEST_CASE("run reads and writes .npy") {
    const TempDir dir;
    const std::string network = relu_network(dir), in = (dir / "in.npy").string(), out = (dir / "out.npy").string();
    cli::NpyArray x{{1, 2, 3, 5}, {}};
    for (int i = 0; i < 30; ++i) x.values.push_back(static_cast<float>(i - 15) / 4);
    REQUIRE(cli::write_npy(in, x).ok());
    const Finished finished =
        saccade({"run", network, "--dim", "width=5", "--input", "x=" + in, "--output", "y=" + out});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    CHECK(finished.out.find("y [1, 2, 3, 5]  min 0  max 3.5") != std::string::npos);
    const auto y = cli::read_npy(out);
    REQUIRE(y.ok());
    CHECK(y->shape == x.shape);
    for (size_t i = 0; i < 30; ++i) CHECK(y->values[i] == std::max(x.values[i], 0.f));

    const auto fails = [&](std::vector<std::string> more, const std::string &says) {
        more.insert(more.begin(), {"run", network});
        const Finished failed = saccade(more);
        CAPTURE(failed.err);
        CHECK(failed.code == 1);
        CHECK(failed.err.find(says) != std::string::npos);
    };
    fails({"--input", "x=" + in}, "--dim width=N");
    fails({"--dim", "width=5"}, "input x is not given");
    fails({"--dim", "width=4", "--input", "x=" + in}, "has the shape [1, 2, 3, 5], input x wants [1, 2, 3, 4]");
    REQUIRE(cli::write_npy((dir / "flat.npy").string(), {{30}, x.values}).ok());
    fails({"--dim", "width=5", "--input", "x=" + (dir / "flat.npy").string()}, "[30]");
    fails({"--dim", "width=5", "--input", "z=" + in}, "--input z");
    fails({"--dim", "width=5", "--input", "x=" + in, "--output", "z=" + out}, "--output z");
    fails({"--dim", "width=5", "--input", "x=" + in, "--output", "y=" + (dir / "none" / "y.npy").string()},
          "no folder");
    x.values[3] = std::nanf(""), x.values[20] = INFINITY;
    REQUIRE(cli::write_npy(in, x).ok());
    const Finished odd = saccade({"run", network, "--dim", "width=5", "--input", "x=" + in});
    CHECK(odd.out.find("1 infinite") != std::string::npos);
    CHECK(odd.out.find("nan") == std::string::npos);
    fails({"--dim", "width=5", "--input", "x=" + (dir / "missing.npy").string()}, "missing.npy");
    fails({"--dim", "width=5", "--input", "x=" + network}, "relu.onnx");
}

TEST_CASE("damaged .npy files are refused") {
    const TempDir dir;
    const std::string path = (dir / "a.npy").string();
    REQUIRE(cli::write_npy(path, {{3, 4}, std::vector<float>(12, 1)}).ok());
    const std::string whole = read_text(path);
    for (size_t size = 0; size < whole.size(); ++size) {
        write_text(path, whole.substr(0, size));
        const auto read = cli::read_npy(path);
        REQUIRE(!read.ok());
        CHECK(read.error().message.find("a.npy") != std::string::npos);
    }
    std::string other = whole;
    other.replace(other.find("<f4"), 3, "<f8");
    write_text(path, other);
    CHECK(cli::read_npy(path).error().code == Code::unsupported);
}

TEST_CASE("inspect shows inputs, kernels and memory") {
    const TempDir dir;
    const std::string path = (dir / "net.onnx").string();
    REQUIRE(write_network("squeezenet", 1, path).ok());
    const Finished finished = saccade({"inspect", path, "--times"});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
    for (const char *part :
         {"input   image [1, 3, 2", "output  output [1, 1000]", "dispatches", "MiB in one arena", "Conv", "share"}) {
        CAPTURE(part);
        CHECK(finished.out.find(part) != std::string::npos);
    }
    const Finished plan = saccade({"inspect", path, "--plan"});
    CHECK(plan.code == 0);
    CHECK(plan.out.size() > 1000);
}

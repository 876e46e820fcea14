// labels: host_only
// The kinds of activation have the same numbers in C++ and in GLSL.
#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "compute/graph/activation.h"
#include "tests/support/files.h"

using namespace sac;

TEST_CASE("activation.glsl numbers the kinds as activation.h does") {
    std::map<std::string, Activation> kinds = {
        {"ACT_NONE", Activation::none},
        {"ACT_RELU", Activation::relu},
        {"ACT_CLIP", Activation::clip},
        {"ACT_LEAKY_RELU", Activation::leaky_relu},
        {"ACT_SIGMOID", Activation::sigmoid},
        {"ACT_HARD_SIGMOID", Activation::hard_sigmoid},
        {"ACT_HARD_SWISH", Activation::hard_swish},
        {"ACT_SILU", Activation::silu},
        {"ACT_TANH", Activation::tanh},
        {"ACT_GELU", Activation::gelu},
        {"ACT_GELU_TANH", Activation::gelu_tanh},
    };
    std::istringstream words(test::read_text("shaders/include/activation.glsl"));
    std::string word, name, number;
    while (words >> word) {
        if (word != "#define" || !(words >> name) || !name.starts_with("ACT_")) continue;
        CAPTURE(name);
        REQUIRE(static_cast<bool>(words >> number));
        const auto kind = kinds.find(name);
        REQUIRE(kind != kinds.end());
        CHECK(number == std::to_string(static_cast<uint32_t>(kind->second)) + "u");
        kinds.erase(kind);
    }
    CHECK(kinds.empty());
}

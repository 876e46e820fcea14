// labels: bad_input
// What is read from SPIR-V, and that nothing breaks on what is not SPIR-V.
#include <doctest/doctest.h>

#include <algorithm>

#include "compute/kernels/embedded.h"
#include "compute/vk/pipeline.h"
#include "tests/support/device.h"
#include "tests/support/ref.h"
#include "tests/support/spirv.h"

using namespace sac;
using vk::BindingKind;

namespace {

Error failure(const std::vector<uint32_t> &words) {
    const auto interface = vk::reflect(words);
    REQUIRE_FALSE(interface.ok());
    CHECK(interface.error().code == Code::invalid_file);
    return interface.error();
}

}  // namespace

TEST_CASE("bindings of every kind, push constants, shared memory and local size are read") {
    test::ShaderSpec spec;
    spec.bindings = {{2, BindingKind::storage_image},
                     {0, BindingKind::storage_texel_buffer},
                     {3, BindingKind::sampled_image},
                     {1, BindingKind::storage_buffer}};  // declared in no order
    spec.local_size[0] = 8;
    spec.local_size[1] = 4;
    spec.local_size[2] = 2;
    spec.push_words = 13;
    spec.shared_words = 100;
    const auto interface = vk::reflect(test::make_shader(spec));
    REQUIRE_MESSAGE(interface.ok(), interface.error().message);
    const std::vector<BindingKind> expected = {BindingKind::storage_texel_buffer, BindingKind::storage_buffer,
                                               BindingKind::storage_image, BindingKind::sampled_image};
    CHECK((interface->bindings == expected));
    CHECK(interface->push_constant_size == 52);
    CHECK(interface->shared_memory == 400);
    CHECK(interface->local_size[0] == 8);
    CHECK(interface->local_size[1] == 4);
    CHECK(interface->local_size[2] == 2);
}

TEST_CASE("gaps, doubles and other sets are refused and named") {
    test::ShaderSpec spec;
    spec.bindings = {{0, BindingKind::storage_buffer}, {2, BindingKind::storage_buffer}};
    CHECK(failure(test::make_shader(spec)).message.find("binding 1 is missing") != std::string::npos);
    spec.bindings[1].first = 0;
    CHECK(failure(test::make_shader(spec)).message.find("binding 0 is declared twice") != std::string::npos);
    spec.bindings = {{0, BindingKind::storage_buffer}};
    spec.set = 1;
    CHECK(failure(test::make_shader(spec)).message.find("set 1") != std::string::npos);
}

TEST_CASE("every embedded compute shader is read") {
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        const auto interface = vk::reflect({kernel.words, kernel.word_count});
        const bool compute = std::string_view(kernel.source).ends_with(".comp");
        CAPTURE(std::string(kernel.name));
        REQUIRE(interface.ok() == compute);
        if (!compute) continue;
        CHECK_FALSE(interface->bindings.empty());
        CHECK(interface->push_constant_size % 4 == 0);
    }
}

TEST_CASE("empty, foreign and truncated words are errors") {
    const std::vector<uint32_t> whole = test::make_shader({});
    failure({});
    failure({0x07230203});
    std::vector<uint32_t> swapped = whole;
    swapped[0] = 0x03022307;
    failure(swapped);
    for (size_t length = 0; length < whole.size(); ++length)
        failure({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length)});
    std::vector<uint32_t> huge_bound = whole;
    huge_bound[3] = 0xffffffff;
    CHECK(failure(huge_bound).message.find("bound") != std::string::npos);
}

TEST_CASE("no damage to a single word, and no random words, bring it down") {
    test::ShaderSpec spec;
    spec.bindings = {
        {0, BindingKind::storage_buffer}, {1, BindingKind::storage_texel_buffer}, {2, BindingKind::sampled_image}};
    spec.shared_words = 4;
    const std::vector<uint32_t> whole = test::make_shader(spec);
    size_t refused = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
        for (const uint32_t value :
             {0u, 1u, 0xffffffffu, 0x7fffffffu, whole[at] ^ 1, whole[at] ^ 0x10000, whole[at] + 7}) {
            std::vector<uint32_t> damaged = whole;
            damaged[at] = value;
            refused += !vk::reflect(damaged).ok();
        }
    }
    CHECK(refused > whole.size());  // damage to the declarations is seen
    test::Random random(7);
    for (int round = 0; round < 2000; ++round) {
        std::vector<uint32_t> words = whole;
        for (int i = 0; i < 6; ++i) words[5 + random.below(words.size() - 5)] = static_cast<uint32_t>(random.bits());
        (void)vk::reflect(words).ok();
        for (size_t i = 5; i < words.size(); ++i) words[i] = static_cast<uint32_t>(random.bits()) & 0x0003003f;
        (void)vk::reflect(words).ok();
    }
}

TEST_CASE("types that contain themselves end in an error") {
    // A struct whose only member is itself, in shared memory.
    const std::vector<uint32_t> words = {0x07230203,
                                         0x00010300,
                                         0,
                                         10,
                                         0,
                                         5u << 16 | 15,
                                         5,
                                         1,
                                         0x6e69616d,
                                         0,
                                         6u << 16 | 16,
                                         1,
                                         17,
                                         1,
                                         1,
                                         1,
                                         3u << 16 | 30,
                                         2,
                                         2,
                                         4u << 16 | 32,
                                         3,
                                         4,
                                         2,
                                         4u << 16 | 59,
                                         3,
                                         4,
                                         4,
                                         1u << 16 | 56};
    CHECK(failure(words).message.find("nested") != std::string::npos);
}

TEST_CASE("a pipeline that exceeds a limit of the profile is refused with the number and the limit") {
    vk::DeviceOptions options = test::device_options();
    options.profile = vk::Profile::minimum;
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    const auto outcome = [&](const test::ShaderSpec &spec) -> std::string {
        const auto pipeline = vk::Pipeline::create(**device, VK_NULL_HANDLE, test::make_shader(spec), "limits");
        if (pipeline.ok()) return "built";
        CHECK(pipeline.error().code == Code::unsupported);
        CHECK(pipeline.error().message.find("kernel limits") == 0);
        return pipeline.error().message;
    };
    const auto contains = [](const std::string &text, const char *part) {
        return text.find(part) != std::string::npos;
    };
    test::ShaderSpec spec;
    spec.local_size[0] = 128;
    CHECK(outcome(spec) == "built");
    spec.local_size[1] = 2;
    CHECK(contains(outcome(spec), "256 invocations a workgroup, the device allows 128"));
    spec = {};
    spec.local_size[2] = 65;
    CHECK(contains(outcome(spec), "65 invocations along z"));
    spec = {};
    spec.push_words = 32;
    CHECK(outcome(spec) == "built");
    spec.push_words = 33;
    CHECK(contains(outcome(spec), "132 bytes of push constants"));
    spec = {};
    spec.shared_words = 4096;
    CHECK(outcome(spec) == "built");
    spec.shared_words = 4097;
    CHECK(contains(outcome(spec), "bytes of shared memory"));
    for (const BindingKind kind :
         {BindingKind::storage_buffer, BindingKind::storage_texel_buffer, BindingKind::storage_image}) {
        spec = {};
        spec.bindings.clear();
        for (uint32_t i = 0; i < 4; ++i) spec.bindings.emplace_back(i, kind);
        CHECK(outcome(spec) == "built");
        spec.bindings.emplace_back(4, kind);
        CHECK(contains(outcome(spec), "the device allows 4"));
    }
}

TEST_CASE("a shader that is not one leaves no pipeline and no object") {
    const auto pipeline =
        vk::Pipeline::create(test::device(), VK_NULL_HANDLE, std::vector<uint32_t>{1, 2, 3}, "garbage");
    REQUIRE_FALSE(pipeline.ok());
    CHECK(pipeline.error().code == Code::invalid_file);
    CHECK(pipeline.error().message.find("kernel garbage") == 0);
}

// Every embedded kernel on the device of the run, and what the table promises.
#include "compute/kernels/kernel_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/support/device.h"
#include "tests/support/fault.h"
#include "tests/support/files.h"

using namespace sac;

namespace {

std::vector<const EmbeddedKernel *> compute_kernels() {
    std::vector<const EmbeddedKernel *> kernels;
    for (const EmbeddedKernel &kernel : embedded_kernels())
        if (std::string_view(kernel.source).ends_with(".comp")) kernels.push_back(&kernel);
    return kernels;
}

vk::ShaderInterface interface_of(const EmbeddedKernel &kernel) {
    const auto interface = vk::reflect({kernel.words, kernel.word_count});
    REQUIRE_MESSAGE(interface.ok(), interface.error().message);
    return *interface;
}

}  // namespace

TEST_CASE("every kernel's pipeline is built where its variant is available, and refused with a reason where not") {
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    uint64_t built = 0;
    for (const EmbeddedKernel *kernel : compute_kernels()) {
        CAPTURE(std::string(kernel->name));
        const auto got = (*table)->get(kernel->name);
        REQUIRE(got.ok() == (*table)->available(kernel->name));
        const vk::Caps &caps = test::device().caps();
        const bool runs = caps.satisfies(kernel->needs) && vk::check_limits(interface_of(*kernel), caps).ok();
        CHECK(got.ok() == runs);
        if (got.ok()) {
            ++built;
            CHECK((*got)->pipeline.handle() != VK_NULL_HANDLE);
            CHECK(std::string((*got)->name) == kernel->name);
            CHECK_FALSE((*got)->warmed);
        } else {
            CHECK(got.error().code == Code::unsupported);
            CHECK(got.error().message.find(kernel->name) != std::string::npos);
        }
    }
    CHECK(built > 0);
    CHECK((*table)->pipelines_built() == built);
    for (const EmbeddedKernel *kernel : compute_kernels())
        if ((*table)->available(kernel->name)) CHECK((*table)->get(kernel->name).ok());
    CHECK((*table)->pipelines_built() == built);  // the second time nothing is built
}

TEST_CASE("names are unique and a kernel's address stays the same") {
    std::set<std::string> names;
    for (const EmbeddedKernel &kernel : embedded_kernels()) CHECK(names.insert(kernel.name).second);
    KernelTable &table = test::kernels();
    for (const EmbeddedKernel *kernel : compute_kernels()) {
        if (!table.available(kernel->name)) continue;
        const Kernel *first = *table.get(kernel->name);
        CHECK(first == *table.get(std::string(kernel->name)));  // by value of the name, not by its address
        break;
    }
}

TEST_CASE("kernels built together are built once each; what is not there is left to get()") {
    auto table = KernelTable::create(test::device(), "");
    REQUIRE(table.ok());
    std::vector<std::string_view> names = {"no_such_kernel"};
    uint64_t available = 0;
    for (const EmbeddedKernel *kernel : compute_kernels()) {
        if (std::string_view(kernel->name).find("activation") == std::string_view::npos) continue;
        names.insert(names.end(), 2, kernel->name);
        available += (*table)->available(kernel->name);
    }
    REQUIRE(available > 1);
    CHECK((*table)->build(names).ok());
    CHECK((*table)->pipelines_built() == available);
    CHECK((*table)->build(names).ok());
    for (size_t i = 1; i < names.size(); ++i) (void)(*table)->get(names[i]);
    CHECK((*table)->pipelines_built() == available);
}

TEST_CASE("a kernel that is not there is named") {
    const auto got = test::kernels().get("no_such_kernel");
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().code == Code::not_found);
    CHECK(got.error().message.find("no_such_kernel") != std::string::npos);
    CHECK_FALSE(test::kernels().available("no_such_kernel"));
    CHECK_FALSE(test::kernels().available(""));
}

TEST_CASE("variants that need nothing keep to the minimum limits of Vulkan 1.2") {
    vk::DeviceOptions options = test::device_options();
    options.profile = vk::Profile::minimum;
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    for (const EmbeddedKernel *kernel : compute_kernels()) {
        CAPTURE(std::string(kernel->name));
        const vk::ShaderInterface interface = interface_of(*kernel);
        CHECK(interface.push_constant_size <= 128);
        CHECK(interface.push_constant_size >= 4);  // group_base at least
        if (*kernel->needs) continue;
        const Status fits = vk::check_limits(interface, (*device)->caps());
        CHECK_MESSAGE(fits.ok(), (fits.ok() ? "" : fits.error().message));
        CHECK(interface.local_size[0] * interface.local_size[1] * interface.local_size[2] <= 128);
        CHECK(std::count(interface.bindings.begin(), interface.bindings.end(), vk::BindingKind::storage_buffer) <= 4);
    }
}

TEST_CASE("every shader file has a variant that runs on any Vulkan 1.2 device") {
    std::set<std::string> files, portable;
    for (const EmbeddedKernel *kernel : compute_kernels()) {
        files.insert(kernel->source);
        if (!*kernel->needs) portable.insert(kernel->source);
    }
    for (const std::string &file : files) CHECK_MESSAGE(portable.count(file), file);
}

TEST_CASE("needs name capabilities that are known") {
    vk::Caps all;
    all.is_cpu = all.float16 = all.subgroup_shuffle = all.coopmat = true;
    all.limits.maxComputeWorkGroupInvocations = 256;
    all.limits.maxComputeSharedMemorySize = 32768;
    for (const EmbeddedKernel &kernel : embedded_kernels()) {
        bool known = false;
        for (const uint32_t size : {8u, 32u, 64u}) {
            all.subgroup_size = size;
            known = known || all.satisfies(kernel.needs);
        }
        CHECK_MESSAGE(known, std::string(kernel.name));
    }
}

TEST_CASE("the cache on disk is written where it is wanted, under a name of device and kernels, and read again") {
    const test::TempDir dir;
    const std::string folder = (dir / "cache").string();
    {
        auto table = KernelTable::create(test::device(), folder);
        REQUIRE(table.ok());
        REQUIRE((*table)->get(compute_kernels().front()->name).ok());
        (*table)->save_cache();
    }
    std::vector<std::string> names;
    for (const auto &file : std::filesystem::directory_iterator(folder))
        names.push_back(file.path().filename().string());
    REQUIRE(names.size() == 1);
    CHECK(names[0].find("pipelines-") == 0);
    vk::DeviceOptions options = test::device_options();
    std::vector<std::string> warnings;
    options.log = {[](void *user, LogLevel, const char *message) {
                       static_cast<std::vector<std::string> *>(user)->emplace_back(message);
                   },
                   &warnings};
    options.profile = test::device().caps().profile;
    const auto same = vk::Device::create(options);
    REQUIRE(same.ok());
    REQUIRE(KernelTable::create(**same, folder).ok());
    CHECK(warnings.empty());
    // Damaged, it is passed over with a warning.
    test::write_text(std::filesystem::path(folder) / names[0], "not a cache");
    REQUIRE(KernelTable::create(**same, folder).ok());
    CHECK(warnings.size() == 1);
    // The other profile has a file of its own.
    options.profile = test::device().caps().profile == vk::Profile::full ? vk::Profile::minimum : vk::Profile::full;
    const auto other = vk::Device::create(options);
    REQUIRE(other.ok());
    auto table = KernelTable::create(**other, folder);
    REQUIRE(table.ok());
    const auto files = [&] {
        return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
    };
    (*table)->save_cache();
    CHECK(files() == 1);  // of no pipeline
    REQUIRE((*table)->get(compute_kernels().front()->name).ok());
    (*table)->save_cache();
    CHECK(files() == 2);
}

TEST_CASE("a cache that cannot be written is told once") {
    const test::TempDir dir;
    test::write_text(dir / "file", "a file where a folder is wanted");
    vk::DeviceOptions options = test::device_options();
    std::vector<std::string> warnings;
    options.log = {[](void *user, LogLevel, const char *message) {
                       static_cast<std::vector<std::string> *>(user)->emplace_back(message);
                   },
                   &warnings};
    const auto device = vk::Device::create(options);
    REQUIRE(device.ok());
    auto table = KernelTable::create(**device, (dir / "file").string());
    REQUIRE(table.ok());
    for (const EmbeddedKernel *kernel : {compute_kernels()[0], compute_kernels()[1]}) {
        REQUIRE((*table)->get(kernel->name).ok());
        (*table)->save_cache();
    }
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("cannot be written") != std::string::npos);
}

TEST_CASE("a pipeline that cannot be built is an error, and can be built later") {
    test::Faults faults;
    vk::DeviceOptions options = test::device_options();
    options.patch_functions = [&](vk::DeviceFunctions &fn) { faults.patch(fn); };
    {
        const auto device = vk::Device::create(options);
        REQUIRE(device.ok());
        auto table = KernelTable::create(**device, "");
        REQUIRE(table.ok());
        const auto kernels = compute_kernels();
        const auto portable =
            std::find_if(kernels.begin(), kernels.end(), [](const EmbeddedKernel *k) { return !*k->needs; });
        REQUIRE(portable != kernels.end());
        for (const char *function :
             {"CreateDescriptorSetLayout", "CreatePipelineLayout", "CreateShaderModule", "CreateComputePipelines"}) {
            faults.arm(0, VK_ERROR_OUT_OF_HOST_MEMORY, false, function);
            const auto got = (*table)->get((*portable)->name);
            REQUIRE_FALSE(got.ok());
            CHECK(got.error().code == Code::out_of_memory);
            CHECK(got.error().message.find((*portable)->name) != std::string::npos);
            faults.arm(0, VK_ERROR_OUT_OF_HOST_MEMORY, false, function);
            const std::string_view names[] = {"no_such_kernel", (*portable)->name};
            const Status built = (*table)->build(names);
            REQUIRE_FALSE(built.ok());
            CHECK(built.error().message.find((*portable)->name) != std::string::npos);
        }
        CHECK((*table)->get((*portable)->name).ok());
    }
    CHECK(faults.live().empty());
}

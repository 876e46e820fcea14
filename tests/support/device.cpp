#include "tests/support/device.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "tests/support/files.h"

namespace sac::test {
namespace {

// What the whole run knows: messages outside test cases, the name of the running one, what was skipped.
struct Run {
    std::mutex mutex;
    std::string test_case;
    std::vector<std::string> messages;  // of the running test case
    unsigned outside = 0, skipped = 0;
};

Run &run() {
    static Run instance;
    return instance;
}

// The loader unloads driver and layers with the last instance; a sanitizer then no longer knows whose memory it sees,
// and its suppressions do not match. So sanitized programs keep an instance to their end.
void keep_libraries_loaded() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    static const VkInstance kept = [] {
        const auto get = vk::open_system_loader();
        const auto loader = get.ok() ? vk::load_loader_functions(*get) : Result<vk::LoaderFunctions>(get.error());
        const char *layer = "VK_LAYER_KHRONOS_validation";
        VkInstanceCreateInfo info = {};
        info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
        info.enabledLayerCount = validation_enabled() ? 1 : 0;
        info.ppEnabledLayerNames = &layer;
        VkInstance instance = VK_NULL_HANDLE;
        if (loader.ok()) loader->CreateInstance(&info, nullptr, &instance);
        return instance;
    }();
    (void)kept;
#endif
}

struct Shared {
    std::unique_ptr<vk::Device> device;
    std::unique_ptr<vk::Memory> memory;
    std::unique_ptr<KernelTable> kernels;

    Shared() {
        run();  // lives longer than this
        vk::DeviceOptions options = device_options();
        options.log = Log::to_stderr();
        auto created = vk::Device::create(options);
        if (!created.ok()) {
            std::fprintf(stderr, "tests need a Vulkan device: %s\n", created.error().message.c_str());
            std::_Exit(2);
        }
        device = std::move(*created);
        memory = std::make_unique<vk::Memory>(*device);
        auto table = KernelTable::create(*device, "");
        if (!table.ok()) {
            std::fprintf(stderr, "the kernel table cannot be made: %s\n", table.error().message.c_str());
            std::_Exit(2);
        }
        kernels = std::move(*table);
    }
    // After the last test case: what is not given back by then, the layer tells now.
    ~Shared() {
        kernels.reset();
        memory.reset();
        device.reset();
        if (run().outside) {
            std::fprintf(stderr, "%u validation messages outside of test cases\n", run().outside);
            std::fflush(nullptr);
            std::_Exit(3);
        }
    }
};

Shared &shared() {
    static Shared instance;
    return instance;
}

// Follows the test cases: names for skip(), and the count at the end.
struct Listener : doctest::IReporter {
    explicit Listener(const doctest::ContextOptions &) {}
    void test_case_start(const doctest::TestCaseData &data) override {
        const std::lock_guard guard(run().mutex);
        run().test_case = data.m_name;
        run().messages.clear();
    }
    void test_run_end(const doctest::TestRunStats &) override {
        if (run().skipped) std::printf("SKIPPED in all: %u\n", run().skipped);
    }
    void report_query(const doctest::QueryData &) override {}
    void test_run_start() override { keep_libraries_loaded(); }
    void test_case_reenter(const doctest::TestCaseData &) override {}
    void test_case_end(const doctest::CurrentTestCaseStats &) override {}
    void test_case_exception(const doctest::TestCaseException &) override {}
    void subcase_start(const doctest::SubcaseSignature &) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData &) override {}
    void log_message(const doctest::MessageData &) override {}
    void test_case_skipped(const doctest::TestCaseData &) override {}
};
REGISTER_LISTENER("run", 1, Listener);

}  // namespace

vk::Device &device() { return *shared().device; }
vk::Memory &memory() { return *shared().memory; }
KernelTable &kernels() { return *shared().kernels; }

bool validation_enabled() {
#ifdef __SANITIZE_THREAD__
    return false;  // ThreadSanitizer cannot see what orders the layer's threads; the other builds run it
#else
    const char *off = std::getenv("SACCADE_TEST_NO_VALIDATION");
    return !off || !*off || *off == '0';
#endif
}

vk::DeviceOptions device_options() {
    vk::DeviceOptions options;
    options.validation = validation_enabled();
    options.on_validation_message = report_validation_message;
    return options;
}

void report_validation_message(const char *message) {
    // The layer waiting for itself, as its text says: one thread in vkWaitSemaphores keeps out the other's
    // vkSignalSemaphore (github.com/KhronosGroup/Vulkan-ValidationLayers, 4649 and 4968). What was waited for comes all
    // the same, or the test fails by that.
    if (std::strstr(message, "UNASSIGNED-VkSemaphore-state-timeout")) return;
    {
        const std::lock_guard guard(run().mutex);
        run().messages.emplace_back(message);
        if (!doctest::is_running_in_test) {
            ++run().outside;
            std::fprintf(stderr, "validation: %s\n", message);
        }
    }
    if (doctest::is_running_in_test) FAIL_CHECK("validation: " << std::string(message));
}

void expect_no_validation_messages() {
    const std::lock_guard guard(run().mutex);
    CHECK(run().messages.empty());
}

vk::Buffer host_buffer(VkDeviceSize size, const char *name) {
    auto buffer = vk::Buffer::create(device(), memory(), size, vk::tensor_usage, vk::MemoryUse::readback, name);
    REQUIRE_MESSAGE(buffer.ok(), buffer.error().message);
    return std::move(*buffer);
}

void skip(const std::string &why) {
    const std::lock_guard guard(run().mutex);
    ++run().skipped;
    std::printf("SKIPPED: %s because %s\n", run().test_case.c_str(), why.c_str());
}

}  // namespace sac::test

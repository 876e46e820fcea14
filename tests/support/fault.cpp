#include "tests/support/fault.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>

namespace sac::test {
namespace {

struct State {
    mutable std::mutex mutex;
    std::map<std::string, uint64_t, std::less<>> calls;
    std::map<std::string, int64_t> live;
    bool armed = false, sticky = false;
    uint64_t until = 0;  // calls that still succeed
    VkResult result = VK_SUCCESS;
    std::string function, fired_in;
};

State *state = nullptr;

// The result to fail with, or VK_SUCCESS.
VkResult decide(std::string_view function) {
    const std::lock_guard guard(state->mutex);
    if (!state->armed || (!state->function.empty() && state->function != function)) return VK_SUCCESS;
    if (state->until > 0) {
        --state->until;
        return VK_SUCCESS;
    }
    if (state->fired_in.empty()) state->fired_in = function;
    if (!state->sticky) state->armed = false;
    return state->result;
}

void count_call(std::string_view function) {
    const std::lock_guard guard(state->mutex);
    const auto found = state->calls.find(function);
    if (found != state->calls.end())
        ++found->second;
    else
        state->calls.emplace(function, 1);
}

void count_live(std::string_view kind, int64_t change) {
    const std::lock_guard guard(state->mutex);
    state->live[std::string(kind)] += change;
}

// "CreateBuffer" and "DestroyBuffer" are about "Buffer". Sets and command buffers go with their pools and are not
// counted.
std::string_view kind_of(std::string_view function) {
    if (function == "AllocateMemory" || function == "FreeMemory") return "Memory";
    if (function == "CreateComputePipelines" || function == "CreateGraphicsPipelines") return "Pipeline";
    if (function.starts_with("Create")) return function.substr(6);
    if (function.starts_with("Destroy") && function != "DestroyDevice") return function.substr(7);
    return {};
}

bool is_wait(std::string_view function) {
    return function == "WaitSemaphores" || function == "WaitForFences" || function == "QueueWaitIdle" ||
           function == "DeviceWaitIdle";
}

template <class Tag, class Function>
struct Double;

template <class Tag, class R, class... A>
struct Double<Tag, R(VKAPI_PTR *)(A...)> {
    static inline R(VKAPI_PTR *real)(A...) = nullptr;

    static R VKAPI_CALL call(A... arguments) {
        constexpr std::string_view name = Tag::name;
        count_call(name);
        if constexpr (std::is_same_v<R, VkResult>) {
            if (const VkResult failure = decide(name); failure != VK_SUCCESS) {
                if (is_wait(name)) (void)real(arguments...);
                if constexpr (Tag::name == "CreateComputePipelines" || Tag::name == "CreateGraphicsPipelines")
                    clear_pipelines(arguments...);
                return failure;
            }
            const VkResult result = real(arguments...);
            if (result == VK_SUCCESS && (name.starts_with("Create") || name == "AllocateMemory"))
                count_live(kind_of(name), 1);  // pipelines are made one at a time here
            return result;
        } else {
            if (name.starts_with("Destroy") || name == "FreeMemory") {
                if (!kind_of(name).empty() && given(arguments...)) count_live(kind_of(name), -1);
            }
            return real(arguments...);
        }
    }

private:
    // A failed pipeline creation writes null handles.
    static void clear_pipelines(VkDevice, VkPipelineCache, uint32_t count, const auto *, const VkAllocationCallbacks *,
                                VkPipeline *pipelines) {
        for (uint32_t i = 0; i < count; ++i) pipelines[i] = VK_NULL_HANDLE;
    }
    static bool given(VkDevice, auto handle, const VkAllocationCallbacks *) { return handle != VK_NULL_HANDLE; }
    static bool given(auto...) { return false; }
};

#define SAC_TAG(function)                                   \
    struct Tag##function {                                  \
        static constexpr std::string_view name = #function; \
    };
SAC_VK_DEVICE_FUNCTIONS(SAC_TAG)
#undef SAC_TAG

}  // namespace

Faults::Faults() {
    if (state) std::abort();  // one at a time
    state = new State();
}

Faults::~Faults() {
    delete state;
    state = nullptr;
}

void Faults::patch(vk::DeviceFunctions &fn) {
#define SAC_DOUBLE(function)                                  \
    {                                                         \
        using Twin = Double<Tag##function, PFN_vk##function>; \
        Twin::real = fn.function;                             \
        fn.function = Twin::call;                             \
    }
    SAC_VK_DEVICE_FUNCTIONS(SAC_DOUBLE)
#undef SAC_DOUBLE
}

void Faults::arm(uint64_t n, VkResult result, bool sticky, const std::string &function) {
    const std::lock_guard guard(state->mutex);
    state->armed = true;
    state->sticky = sticky;
    state->until = n;
    state->result = result;
    state->function = function;
    state->fired_in.clear();
}

void Faults::disarm() {
    const std::lock_guard guard(state->mutex);
    state->armed = false;
}

bool Faults::fired() const { return !fired_in().empty(); }

std::string Faults::fired_in() const {
    const std::lock_guard guard(state->mutex);
    return state->fired_in;
}

uint64_t Faults::calls(const std::string &function) const {
    const std::lock_guard guard(state->mutex);
    const auto found = state->calls.find(function);
    return found == state->calls.end() ? 0 : found->second;
}

std::map<std::string, int64_t> Faults::live() const {
    const std::lock_guard guard(state->mutex);
    std::map<std::string, int64_t> left;
    for (const auto &[kind, count] : state->live)
        if (count) left[kind] = count;
    return left;
}

}  // namespace sac::test

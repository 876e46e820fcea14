// A file of its own, because <windows.h> defines names of ours (CreateSemaphore) as macros.

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#undef CreateSemaphore
#else
#include <dlfcn.h>
#endif

#include "compute/vk/functions.h"

namespace sac::vk {
namespace {

#if defined(_WIN32)
constexpr const char *loader_files[] = {"vulkan-1.dll"};
#elif defined(__APPLE__)
constexpr const char *loader_files[] = {"libvulkan.dylib", "libvulkan.1.dylib", "libMoltenVK.dylib"};
#else
constexpr const char *loader_files[] = {"libvulkan.so.1", "libvulkan.so"};
#endif

// The system counts: opening the file again gives the same library. It is never closed.
void *loader_entry(const char *file) {
#ifdef _WIN32
    const HMODULE library = LoadLibraryA(file);
    return library ? reinterpret_cast<void *>(GetProcAddress(library, "vkGetInstanceProcAddr")) : nullptr;
#else
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, "vkGetInstanceProcAddr") : nullptr;
#endif
}

}  // namespace

Result<PFN_vkGetInstanceProcAddr> open_system_loader() {
    std::string names;
    for (const char *file : loader_files) {
        if (void *entry = loader_entry(file)) return reinterpret_cast<PFN_vkGetInstanceProcAddr>(entry);
        if (!names.empty()) names += ", ";
        names += file;
    }
    return Error(Code::no_device, "no Vulkan loader found: looked for " + names +
                                      " on the library path; install a Vulkan driver and its loader");
}

}  // namespace sac::vk

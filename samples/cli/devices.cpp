// saccade devices: what Vulkan devices there are.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "compute/base/format.h"
#include "compute/vk/device.h"
#include "samples/cli/command.h"

namespace sac::cli {

namespace {

constexpr Option options[] = {{"--json", nullptr, "one line of JSON a device", Option::Kind::flag}};

Status run(const Arguments &arguments) {
    SAC_ASSIGN(const std::vector<vk::DeviceSummary> devices, vk::Device::enumerate());
    if (devices.empty()) return Error(Code::no_device, "there is no Vulkan device");
    for (size_t i = 0; i < devices.size(); ++i) {
        const vk::DeviceSummary &d = devices[i];
        const std::string version = format("%u.%u.%u", VK_API_VERSION_MAJOR(d.api_version),
                                           VK_API_VERSION_MINOR(d.api_version), VK_API_VERSION_PATCH(d.api_version));
        if (arguments.has("--json")) {
            const nlohmann::ordered_json line = {{"index", i},          {"name", d.name},    {"type", d.type},
                                                 {"driver", d.driver},  {"vulkan", version}, {"usable", d.usable},
                                                 {"why_not", d.why_not}};
            std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
        } else {
            std::printf("%zu  %s (%s, Vulkan %s, %s)%s%s\n", i, d.name.c_str(), d.type.c_str(), version.c_str(),
                        d.driver.c_str(), d.usable ? "" : "  not usable: ", d.why_not.c_str());
        }
    }
    return {};
}

}  // namespace

const Command devices_command = {"devices",
                                 "[--json]",
                                 "lists the Vulkan devices",
                                 "The number or a part of the name is what --device and SACCADE_DEVICE take.\n",
                                 options,
                                 0,
                                 0,
                                 run};

}  // namespace sac::cli

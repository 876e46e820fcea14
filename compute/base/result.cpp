#include "compute/base/result.h"

namespace sac {

const char *code_name(Code code) {
    switch (code) {
        case Code::ok: return "ok";
        case Code::invalid_argument: return "invalid argument";
        case Code::invalid_state: return "invalid state";
        case Code::not_found: return "not found";
        case Code::invalid_file: return "invalid file";
        case Code::unsupported: return "unsupported";
        case Code::out_of_memory: return "out of memory";
        case Code::device_lost: return "device lost";
        case Code::vulkan_error: return "Vulkan error";
        case Code::no_device: return "no device";
        case Code::io_error: return "input/output error";
        case Code::cancelled: return "cancelled";
        case Code::internal: return "internal error";
    }
    return "unknown";
}

}  // namespace sac

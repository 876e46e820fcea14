#include "plugins/vision/overlay_api.h"

#include "plugins/vision/call.h"

namespace sac::vision {
namespace {

sac_result record(sac_context context, const sac_overlay *what, const sac_overlay_target *target,
                  const sac_vk_commands *commands) {
    return call_on(context, [&](Context &c) -> Answer {
        SAC_ASSIGN(const bool recorded, c.overlays().record(what, target, commands));
        return recorded ? SAC_OK : SAC_NOT_READY;
    });
}

sac_result prepare(sac_context context, uint32_t format) {
    return call_on(context, [&](Context &c) { return c.overlays().prepare(format); });
}

constexpr sac_overlay_api table = {sizeof(sac_overlay_api), 1, record, prepare};

}  // namespace

const sac_overlay_api *overlay_api() { return &table; }

}  // namespace sac::vision

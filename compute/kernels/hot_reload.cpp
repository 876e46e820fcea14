#include "compute/kernels/hot_reload.h"

namespace sac {

std::unique_ptr<HotReload> HotReload::create(const Log &) { return nullptr; }

}  // namespace sac

#pragma once
// The families of patterns that fuse() looks for, in its order. Each returns whether it changed the graph.

#include "compute/graph/rewrite.h"

namespace sac {

}  // namespace sac

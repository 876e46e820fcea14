// Phase fuse: several operators become one dispatch. Each family of patterns is a function of its own.

#include "compute/graph/fuse.h"

namespace sac {

void fuse(Graph &graph) {
    remove_dead(graph);
}

}  // namespace sac

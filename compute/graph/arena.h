#pragma once
// Where blocks of memory go that are not all needed at one time.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sac {

/// Memory that is needed during steps [first, last], both included. Zero bytes are no block.
struct Block {
    uint64_t bytes = 0;
    size_t first = 0, last = 0;
    bool meets(const Block &other) const { return first <= other.last && other.first <= last; }
};

struct Placement {
    std::vector<uint32_t> arena;   ///< by block
    std::vector<uint64_t> offset;  ///< by block, in its arena
    std::vector<uint64_t> sizes;   ///< of the arenas
    uint64_t total() const;
};

/// Places blocks, none above `limit` bytes, in arenas of at most `limit` so that those which are needed at one step
/// never share bytes; few bytes in all. Offsets are sums of block sizes: aligned where these are. The same blocks are
/// placed the same way on every machine; the effort is bounded, and in proportion to the blocks where they are many.
Placement place_blocks(std::span<const Block> blocks, uint64_t limit);

/// The largest sum of what is needed at one step: no placement is smaller.
uint64_t live_set_bytes(std::span<const Block> blocks);

}  // namespace sac

// labels: host_only
// Blocks that are needed at different times, in as little memory as can be.
#include "compute/graph/arena.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace sac;

namespace {

constexpr uint64_t no_limit = uint64_t{1} << 40;

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t operator()(uint64_t below) {
        state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
        return (state_ >> 33) % below;
    }

private:
    uint64_t state_;
};

/// One block a step, read by later steps that lie at most `reach` away.
std::vector<Block> random_blocks(Random &random, size_t count, size_t reach, uint64_t most_units) {
    std::vector<Block> blocks;
    for (size_t i = 0; i < count; ++i) {
        blocks.push_back({64 * (1 + random(most_units)), i, i});
        for (uint64_t reads = 1 + random(3); reads > 0; --reads) {
            const size_t back = 1 + random(reach);
            if (back <= i) blocks[i - back].last = i;
        }
    }
    return blocks;
}

/// Blocks that meet lie apart, in arenas that hold them.
void check_placement(const std::vector<Block> &blocks, const Placement &placement, uint64_t limit) {
    REQUIRE(placement.arena.size() == blocks.size());
    REQUIRE(placement.offset.size() == blocks.size());
    size_t wrong = 0;
    for (size_t a = 0; a < blocks.size(); ++a) {
        REQUIRE(placement.arena[a] < placement.sizes.size());
        const uint64_t end = placement.offset[a] + blocks[a].bytes;
        wrong += end > placement.sizes[placement.arena[a]];
        wrong += placement.offset[a] % 64 != 0;
        for (size_t b = 0; b < a; ++b) {
            if (!blocks[a].meets(blocks[b]) || placement.arena[a] != placement.arena[b]) continue;
            wrong += placement.offset[a] < placement.offset[b] + blocks[b].bytes && placement.offset[b] < end;
        }
    }
    CHECK(wrong == 0);
    for (const uint64_t size : placement.sizes) CHECK(size <= limit);
    CHECK(placement.total() >= live_set_bytes(blocks));
}

/// The worst ratio to the lower bound over 30 random sets.
double worst_ratio(size_t count, size_t reach, uint64_t most_units) {
    double worst = 1;
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        Random random(seed);
        const std::vector<Block> blocks = random_blocks(random, count, reach, most_units);
        const Placement placement = place_blocks(blocks, no_limit);
        CHECK(placement.sizes.size() == 1);
        check_placement(blocks, placement, no_limit);
        worst = std::max(worst, static_cast<double>(placement.total()) / static_cast<double>(live_set_bytes(blocks)));
    }
    return worst;
}

}  // namespace

TEST_CASE("no blocks, one block, blocks one after the other") {
    CHECK(place_blocks({}, no_limit).total() == 0);
    CHECK(live_set_bytes({}) == 0);
    const std::vector<Block> one = {{128, 3, 9}};
    CHECK(place_blocks(one, no_limit).total() == 128);
    const std::vector<Block> row = {{64, 0, 1}, {128, 2, 2}, {64, 3, 5}};
    CHECK(live_set_bytes(row) == 128);
    CHECK(place_blocks(row, no_limit).total() == 128);
}

TEST_CASE("the live set counts both ends of a life") {
    const std::vector<Block> blocks = {{64, 0, 1}, {128, 1, 2}, {256, 2, 3}};
    CHECK(live_set_bytes(blocks) == 384);
    CHECK(place_blocks(blocks, no_limit).total() == 384);
}

TEST_CASE("random graphs come within 1.2 of the lower bound, whatever their size and reach") {
    // Measured: 1.02, 1.07, 1.14, 1.17; without the search up to 1.23.
    CHECK(worst_ratio(40, 6, 500) < 1.05);
    CHECK(worst_ratio(200, 6, 500) < 1.1);
    CHECK(worst_ratio(200, 60, 500) < 1.2);
    CHECK(worst_ratio(700, 6, 500) < 1.2);
}

TEST_CASE("pieces of a rectangle cut again and again go back into little more than the rectangle") {
    // Nothing is ever free in the best placement: the hardest there is. Measured: 1.05 at most.
    double worst = 1;
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        Random random(seed);
        std::vector<Block> pieces = {{64 * 64, 0, 63}};
        while (pieces.size() < 40) {
            Block &piece = pieces[random(pieces.size())], rest = piece;
            if (random(2)) {
                const uint64_t units = piece.bytes / 64;
                if (units < 2) continue;
                piece.bytes = 64 * (1 + random(units - 1));
                rest.bytes -= piece.bytes;
            } else {
                if (piece.last == piece.first) continue;
                piece.last = piece.first + random(piece.last - piece.first);
                rest.first = piece.last + 1;
            }
            pieces.push_back(rest);
        }
        REQUIRE(live_set_bytes(pieces) == 64 * 64);
        const Placement placement = place_blocks(pieces, no_limit);
        check_placement(pieces, placement, no_limit);
        worst = std::max(worst, static_cast<double>(placement.total()) / (64 * 64));
    }
    CHECK(worst < 1.1);
}

TEST_CASE("the same blocks are placed the same way twice") {
    Random random(5);
    const std::vector<Block> blocks = random_blocks(random, 300, 12, 500);
    const Placement first = place_blocks(blocks, no_limit), second = place_blocks(blocks, no_limit);
    CHECK(first.offset == second.offset);
    CHECK(first.arena == second.arena);
}

TEST_CASE("arenas keep to a limit") {
    Random random(9);
    const std::vector<Block> blocks = random_blocks(random, 120, 20, 100);
    const uint64_t limit = live_set_bytes(blocks) / 3 + 6400;
    const Placement placement = place_blocks(blocks, limit);
    CHECK(placement.sizes.size() >= 3);
    check_placement(blocks, placement, limit);
    // Three arenas instead of one waste little, too.
    CHECK(static_cast<double>(placement.total()) < 1.25 * static_cast<double>(live_set_bytes(blocks)));
}

TEST_CASE("tens of thousands of blocks, short-lived or all alive at once") {
    std::vector<Block> chain, all;
    for (size_t i = 0; i < 50'000; ++i) {
        chain.push_back({64 + 64 * (i % 7), i, i + 1 + i % 3});
        all.push_back({64, i, 100'000});
    }
    CHECK(static_cast<double>(place_blocks(chain, no_limit).total()) <
          1.2 * static_cast<double>(live_set_bytes(chain)));
    CHECK(place_blocks(all, no_limit).total() == 64 * 50'000);
}

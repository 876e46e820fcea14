#include "compute/graph/arena.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace sac {

namespace {

constexpr size_t most_pairs = 1 << 18;     // of blocks that meet: above, only the order of use is tried
constexpr uint64_t most_work = 3'000'000;  // pairs of blocks that the search looks at: some 15 ms

using Order = std::vector<uint32_t>;

/// A range of an arena, and the step after which it is free again.
struct Taken {
    uint64_t begin = 0, end = 0;
    size_t last = 0;
    bool operator<(const Taken &other) const { return begin < other.begin; }
};

/// The start of the smallest gap between ranges (in ascending order) that holds `bytes`; the end of all if none does.
uint64_t best_gap(std::span<const Taken> taken, uint64_t bytes) {
    uint64_t end = 0, best = UINT64_MAX, least = UINT64_MAX;
    for (const Taken &range : taken) {
        if (range.begin >= end + bytes && range.begin - end < least) {
            best = end;
            least = range.begin - end;
        }
        end = std::max(end, range.end);
    }
    return best == UINT64_MAX ? end : best;
}

/// What of an arena is taken at the step that has been reached. Quick also where very many are alive.
class Shelf {
public:
    void advance(size_t step) {
        if (next_death_ >= step) return;
        std::erase_if(taken_, [&](const Taken &range) { return range.last < step; });
        next_death_ = SIZE_MAX;
        bytes_ = 0;
        for (const Taken &range : taken_) {
            next_death_ = std::min(next_death_, range.last);
            bytes_ += range.end - range.begin;
        }
    }
    uint64_t gap(uint64_t bytes) const {
        const bool full = !taken_.empty() && bytes_ == taken_.back().end;
        return full ? bytes_ : best_gap(taken_, bytes);
    }
    void take(const Taken &range) {
        taken_.insert(std::upper_bound(taken_.begin(), taken_.end(), range), range);
        next_death_ = std::min(next_death_, range.last);
        bytes_ += range.end - range.begin;
    }

private:
    std::vector<Taken> taken_;  // by offset
    uint64_t bytes_ = 0;
    size_t next_death_ = SIZE_MAX;
};

/// Blocks one after the other, each in the smallest gap among those placed that it meets.
class Placer {
public:
    Placer(std::span<const Block> blocks, uint64_t limit) : blocks_(blocks), limit_(limit) {}

    /// In the order of use: what is past when a block begins is no matter to the rest.
    Placement place_by_use(const Order &order) const {
        Placement placement = empty();
        std::vector<Shelf> shelves;  // by arena
        for (const uint32_t id : order) {
            put(placement, id, [&](uint32_t arena) {
                if (arena == shelves.size()) shelves.emplace_back();
                shelves[arena].advance(blocks_[id].first);
                return shelves[arena].gap(blocks_[id].bytes);
            });
            shelves[placement.arena[id]].take(range_of(placement, id));
        }
        return placement;
    }

    /// In any order; `meets` lists by block those that it meets.
    Placement place(const Order &order, const std::vector<Order> &meets) {
        Placement placement = empty();
        placed_.assign(blocks_.size(), false);
        for (const uint32_t id : order) {
            put(placement, id, [&](uint32_t arena) {
                taken_.clear();
                for (const uint32_t other : meets[id])
                    if (placed_[other] && placement.arena[other] == arena) taken_.push_back(range_of(placement, other));
                std::sort(taken_.begin(), taken_.end());
                work_ += meets[id].size() + 4 * taken_.size() + 8;
                return best_gap(taken_, blocks_[id].bytes);
            });
            placed_[id] = true;
        }
        return placement;
    }

    uint64_t work() const { return work_; }

private:
    Placement empty() const {
        return {std::vector<uint32_t>(blocks_.size(), 0), std::vector<uint64_t>(blocks_.size(), 0), {}};
    }
    Taken range_of(const Placement &placement, uint32_t id) const {
        return {placement.offset[id], placement.offset[id] + blocks_[id].bytes, blocks_[id].last};
    }

    /// In the first arena in which it ends below the limit; `gap(arena)` is where it would begin there.
    template <class Gap>
    void put(Placement &placement, uint32_t id, const Gap &gap) const {
        const uint64_t bytes = blocks_[id].bytes;
        for (uint32_t arena = 0;; ++arena) {
            const bool fresh = arena == placement.sizes.size();
            if (fresh) placement.sizes.push_back(0);
            const uint64_t offset = gap(arena);
            if (offset + bytes > limit_ && !fresh) continue;
            placement.arena[id] = arena;
            placement.offset[id] = offset;
            placement.sizes[arena] = std::max(placement.sizes[arena], offset + bytes);
            return;
        }
    }

    std::span<const Block> blocks_;
    uint64_t limit_;
    std::vector<Taken> taken_;  // of one place()
    std::vector<bool> placed_;
    uint64_t work_ = 0;
};

/// By block, those that it meets; empty if they are too many pairs.
std::vector<Order> meeting(std::span<const Block> blocks, const Order &by_use) {
    std::vector<Order> meets(blocks.size());
    Order alive;
    size_t pairs = 0;
    for (const uint32_t id : by_use) {
        std::erase_if(alive, [&](uint32_t other) { return blocks[other].last < blocks[id].first; });
        if ((pairs += alive.size()) > most_pairs) return {};
        for (const uint32_t other : alive) {
            meets[id].push_back(other);
            meets[other].push_back(id);
        }
        alive.push_back(id);
    }
    return meets;
}

/// By block, the most that is needed at one of its steps: the load of the worst moment in its life.
std::vector<uint64_t> most_beside(std::span<const Block> blocks, const std::vector<Order> &meets, const Order &by_use) {
    std::vector<uint64_t> most(blocks.size(), 0), alive(blocks.size(), 0);
    // What is alive grows only where a block begins.
    for (const uint32_t id : by_use) {
        alive[id] = blocks[id].bytes;
        for (const uint32_t other : meets[id])
            if (blocks[other].first <= blocks[id].first) alive[id] += blocks[other].bytes;
    }
    for (const uint32_t id : by_use) {
        most[id] = alive[id];
        for (const uint32_t other : meets[id])
            if (blocks[other].first >= blocks[id].first) most[id] = std::max(most[id], alive[other]);
    }
    return most;
}

/// Moves blocks forward in the order, one that ends highest or any, and keeps what is no worse, until the bound is met
/// to one part in a hundred or the work done.
void search(Placer &placer, const std::vector<Order> &meets, std::span<const Block> blocks, uint64_t bound, Order order,
            Placement &best) {
    uint64_t state = 1;
    const auto random = [&](size_t below) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        return static_cast<size_t>((state >> 33) % below);
    };
    Placement current = best;
    Order tried, highest;
    while (current.total() > bound + bound / 100 && placer.work() < most_work) {
        highest.clear();
        for (const uint32_t id : order)
            if (current.offset[id] + blocks[id].bytes == current.sizes[current.arena[id]]) highest.push_back(id);
        tried = order;
        const uint32_t moved = random(4) ? highest[random(highest.size())] : order[random(order.size())];
        const auto at = std::find(tried.begin(), tried.end(), moved);
        std::rotate(tried.begin() + static_cast<std::ptrdiff_t>(random(static_cast<size_t>(at - tried.begin()) + 1)),
                    at, at + 1);
        if (random(4) == 0) std::swap(tried[random(tried.size())], tried[random(tried.size())]);
        Placement placement = placer.place(tried, meets);
        if (placement.total() > current.total()) continue;
        order.swap(tried);
        current = std::move(placement);
        if (current.total() < best.total()) best = current;
    }
}

}  // namespace

uint64_t Placement::total() const { return std::accumulate(sizes.begin(), sizes.end(), uint64_t{0}); }

uint64_t live_set_bytes(std::span<const Block> blocks) {
    std::map<size_t, int64_t> change;  // of what is alive, by step
    for (const Block &block : blocks) {
        change[block.first] += static_cast<int64_t>(block.bytes);
        change[block.last + 1] -= static_cast<int64_t>(block.bytes);
    }
    int64_t alive = 0, most = 0;
    for (const auto &[step, by] : change) most = std::max(most, alive += by);
    return static_cast<uint64_t>(most);
}

Placement place_blocks(std::span<const Block> blocks, uint64_t limit) {
    Order by_use(blocks.size());
    std::iota(by_use.begin(), by_use.end(), 0u);
    Order by_size = by_use, by_area = by_use, by_load = by_use;
    std::stable_sort(by_use.begin(), by_use.end(),
                     [&](uint32_t a, uint32_t b) { return blocks[a].first < blocks[b].first; });
    Placer placer(blocks, limit);
    Placement best = placer.place_by_use(by_use);
    const uint64_t bound = live_set_bytes(blocks);
    if (best.total() == bound) return best;
    const std::vector<Order> meets = meeting(blocks, by_use);
    if (meets.empty()) return best;

    // No one order is best for every network.
    const auto area = [&](uint32_t id) { return blocks[id].bytes * (blocks[id].last - blocks[id].first + 1); };
    const std::vector<uint64_t> loads = most_beside(blocks, meets, by_use);
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](uint32_t a, uint32_t b) { return blocks[a].bytes > blocks[b].bytes; });
    std::stable_sort(by_area.begin(), by_area.end(), [&](uint32_t a, uint32_t b) { return area(a) > area(b); });
    std::stable_sort(by_load.begin(), by_load.end(), [&](uint32_t a, uint32_t b) {
        return loads[a] != loads[b] ? loads[a] > loads[b] : blocks[a].bytes > blocks[b].bytes;
    });
    const Order *order = &by_use;
    for (const Order *other : {&by_size, &by_area, &by_load}) {
        Placement placement = placer.place(*other, meets);
        if (placement.total() >= best.total()) continue;
        best = std::move(placement);
        order = other;
    }
    search(placer, meets, blocks, bound, *order, best);
    return best;
}

}  // namespace sac

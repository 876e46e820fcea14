#pragma once
// Who belongs to whom: the exact assignment of rows to columns.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sac {

/// Pairs rows with columns so that the sum of their gains is the largest there is, each row and column in one pair at
/// most. Shortest augmenting paths (Jonker and Volgenant 1987, doi:10.1007/BF02278710; the rectangular form is Crouse
/// 2016, doi:10.1109/TAES.2016.140952), at most O(rows² columns) where rows is the lesser number. [thread] one at a
/// time.
class Assignment {
public:
    static constexpr uint32_t none = UINT32_MAX;

    /// Room for problems of that size: solving them takes no memory from the heap.
    void reserve(size_t rows, size_t columns);

    /// `gains` is row-major, rows x columns, finite. A pair whose gain is 0 or less is as good as none and not made.
    /// The column of each row, or none; valid until the next call.
    std::span<const uint32_t> solve(std::span<const double> gains, size_t rows, size_t columns);

private:
    uint32_t find_path(const double *gains, size_t row_step, size_t column_step, uint32_t row);

    std::vector<double> row_price_, column_price_, distance_;
    std::vector<uint32_t> column_of_, row_of_, before_, visited_;  ///< the problem's lesser side is its rows
    std::vector<uint32_t> open_;                                   ///< columns without a shortest path yet
    std::vector<uint32_t> result_;
};

}  // namespace sac

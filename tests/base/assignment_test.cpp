// labels: host_only
// The assignment: against all that there are where they can be tried, against prices where they cannot.

#include "compute/base/assignment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

using namespace sac;

namespace {

double sum_of(std::span<const uint32_t> pairs, const std::vector<double> &gains, size_t columns) {
    double sum = 0;
    std::vector<bool> taken(columns);
    for (size_t i = 0; i < pairs.size(); ++i) {
        if (pairs[i] == Assignment::none) continue;
        REQUIRE(pairs[i] < columns);
        CHECK_FALSE(taken[pairs[i]]);
        taken[pairs[i]] = true;
        const double gain = gains[i * columns + pairs[i]];
        CHECK(gain > 0);
        sum += gain;
    }
    return sum;
}

// The largest sum of all ways to pair rows from `row` on with columns that are free.
double best_of_all(const std::vector<double> &gains, size_t rows, size_t columns, size_t row, uint32_t taken) {
    if (row == rows) return 0;
    double best = best_of_all(gains, rows, columns, row + 1, taken);
    for (size_t j = 0; j < columns; ++j)
        if (!(taken >> j & 1) && gains[row * columns + j] > 0)
            best =
                std::max(best, gains[row * columns + j] + best_of_all(gains, rows, columns, row + 1, taken | 1u << j));
    return best;
}

}  // namespace

TEST_CASE("no assignment is better, up to 7 x 7") {
    std::mt19937 random(5);
    Assignment assignment;
    for (size_t rows = 0; rows <= 7; ++rows)
        for (size_t columns = 0; columns <= 7; ++columns)
            for (int kind = 0; kind < 12; ++kind) {
                CAPTURE(rows);
                CAPTURE(columns);
                CAPTURE(kind);
                std::vector<double> gains(rows * columns);
                for (double &gain : gains) {
                    const double r = static_cast<double>(random()) / 4294967296.0;
                    if (kind < 4)
                        gain = r;  // everybody may
                    else if (kind < 8)
                        gain = r < 0.6 ? 0 : r;  // most may not
                    else if (kind < 10)
                        gain = std::floor(4 * r);  // equal ones
                    else
                        gain = r - 0.5;  // what costs
                }
                const auto pairs = assignment.solve(gains, rows, columns);
                REQUIRE(pairs.size() == rows);
                const double best = best_of_all(gains, rows, columns, 0, 0);
                CHECK(sum_of(pairs, gains, columns) == doctest::Approx(best).epsilon(1e-12));
            }
}

TEST_CASE("whole numbers up to 300 x 300: the sum is what was planted") {
    // Gains are a price of the row and a price of the column, less a loss that is 0 on a permutation: no assignment can
    // be better than the permutation, whose sum is that of all prices (linear programming duality).
    std::mt19937 random(6);
    Assignment assignment;
    for (const size_t n : {2, 17, 61, 128, 300}) {
        CAPTURE(n);
        std::vector<size_t> planted(n);
        std::iota(planted.begin(), planted.end(), size_t{0});
        std::shuffle(planted.begin(), planted.end(), random);
        std::vector<double> rows(n), columns(n), gains(n * n);
        for (size_t i = 0; i < n; ++i) rows[i] = random() % 100 + 1, columns[i] = random() % 100 + 1;
        for (size_t i = 0; i < n; ++i)
            for (size_t j = 0; j < n; ++j)
                gains[i * n + j] = rows[i] + columns[j] - (planted[i] == j ? 0 : static_cast<double>(random() % 60));
        const double sum =
            std::accumulate(rows.begin(), rows.end(), 0.0) + std::accumulate(columns.begin(), columns.end(), 0.0);
        CHECK(sum_of(assignment.solve(gains, n, n), gains, n) == sum);
    }
}

TEST_CASE("rows and columns may be changed for one another, and further columns do no harm") {
    std::mt19937 random(7);
    Assignment assignment;
    for (const auto &size : {std::pair<size_t, size_t>{40, 300}, {300, 40}, {1, 300}, {150, 151}}) {
        const size_t rows = size.first, columns = size.second;
        CAPTURE(rows);
        CAPTURE(columns);
        std::vector<double> gains(rows * columns), turned(rows * columns);
        for (double &gain : gains) gain = random() % 3 ? 0 : static_cast<double>(random() % 1000);
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < columns; ++j) turned[j * rows + i] = gains[i * columns + j];
        const double sum = sum_of(assignment.solve(gains, rows, columns), gains, columns);
        CHECK(sum_of(assignment.solve(turned, columns, rows), turned, rows) == sum);
        std::vector<double> wider(rows * (columns + 9));
        for (size_t i = 0; i < rows; ++i)
            std::copy_n(gains.begin() + static_cast<ptrdiff_t>(i * columns), columns,
                        wider.begin() + static_cast<ptrdiff_t>(i * (columns + 9)));
        CHECK(sum_of(assignment.solve(wider, rows, columns + 9), wider, columns + 9) == sum);
    }
}

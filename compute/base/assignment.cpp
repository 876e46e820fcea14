#include "compute/base/assignment.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace sac {

void Assignment::reserve(size_t rows, size_t columns) {
    const size_t lesser = std::min(rows, columns), greater = std::max(rows, columns);
    row_price_.reserve(lesser);
    column_of_.reserve(lesser);
    column_price_.reserve(greater);
    distance_.reserve(greater);
    row_of_.reserve(greater);
    before_.reserve(greater);
    visited_.reserve(greater);
    open_.reserve(greater);
    result_.reserve(rows);
}

// Dijkstra over reduced costs (-gain - both prices, never negative) from a row without a column to the nearest column
// without a row; the prices are changed so that the pairs along the path cost nothing.
uint32_t Assignment::find_path(const double *gains, size_t row_step, size_t column_step, uint32_t row) {
    const size_t columns = column_price_.size();
    open_.resize(columns);
    for (uint32_t j = 0; j < columns; ++j) open_[j] = j;
    std::fill(distance_.begin(), distance_.end(), std::numeric_limits<double>::infinity());
    visited_.clear();
    double reached = 0;
    for (uint32_t from = row;;) {
        size_t nearest = 0;
        double least = std::numeric_limits<double>::infinity();
        for (size_t k = 0; k < open_.size(); ++k) {
            const uint32_t j = open_[k];
            const double gain = std::max(0.0, gains[from * row_step + j * column_step]);
            const double length = reached - gain - row_price_[from] - column_price_[j];
            if (length < distance_[j]) {
                distance_[j] = length;
                before_[j] = from;
            }
            // Of equally near ones a free one: the path ends there.
            if (distance_[j] < least || (distance_[j] == least && row_of_[j] == none)) {
                least = distance_[j];
                nearest = k;
            }
        }
        const uint32_t column = open_[nearest];
        reached = least;
        if (row_of_[column] == none) {
            row_price_[row] += reached;
            for (const uint32_t j : visited_) {
                row_price_[row_of_[j]] += reached - distance_[j];
                column_price_[j] -= reached - distance_[j];
            }
            return column;
        }
        visited_.push_back(column);
        from = row_of_[column];
        open_[nearest] = open_.back();
        open_.pop_back();
    }
}

std::span<const uint32_t> Assignment::solve(std::span<const double> gains, size_t rows, size_t columns) {
    assert(gains.size() == rows * columns);
    const bool turned = rows > columns;
    const size_t lesser = turned ? columns : rows, greater = turned ? rows : columns;
    const size_t row_step = turned ? 1 : columns, column_step = turned ? columns : 1;
    const auto gain = [&](size_t i, size_t j) { return gains[i * row_step + j * column_step]; };
    row_price_.assign(lesser, 0);
    column_price_.assign(greater, 0);
    distance_.resize(greater);
    before_.resize(greater);
    column_of_.assign(lesser, none);
    row_of_.assign(greater, none);

    // Every row gets a column, as there are enough of them: a pair that nobody wants stands for none.
    for (uint32_t i = 0; i < lesser; ++i) {
        double best = 0;
        for (size_t j = 0; j < greater; ++j) best = std::max(best, gain(i, j));
        if (best <= 0) continue;  // wants nobody, and is in nobody's way
        row_price_[i] = -best;
        uint32_t column = find_path(gains.data(), row_step, column_step, i);
        for (uint32_t row = none; row != i;) {
            row = before_[column];
            row_of_[column] = row;
            std::swap(column, column_of_[row]);
        }
    }
    result_.assign(rows, none);
    for (uint32_t i = 0; i < lesser; ++i) {
        const uint32_t j = column_of_[i];
        if (j == none || gain(i, j) <= 0) continue;
        if (turned)
            result_[j] = i;
        else
            result_[i] = j;
    }
    return result_;
}

}  // namespace sac

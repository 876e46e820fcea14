#include "plugins/vision/inspect_statistics.h"

#include <algorithm>
#include <cmath>

#include "compute/base/format.h"

namespace sac::vision {
namespace {

constexpr uint32_t most_bins = 65536;

/// Calls visit(value) for every element, a few at a time from the copy.
template <class Visit>
void for_each_value(const Layer &layer, const std::byte *storage, const Visit &visit) {
    const auto count = static_cast<size_t>(element_count(layer.shape));
    float values[256];
    for (size_t first = 0; first < count; first += std::size(values)) {
        const std::span part(values, std::min(std::size(values), count - first));
        read_layer(layer, storage, first, part);
        for (const float value : part) visit(value);
    }
}

}  // namespace

Status check_histogram(const sac_histogram &histogram) {
    if (!histogram.bins) return Error(Code::invalid_argument, "histogram.bins is null");
    if (histogram.bin_count < 1 || histogram.bin_count > most_bins)
        return Error(Code::invalid_argument,
                     format("histogram.bin_count is %u; 1 to %u are allowed", histogram.bin_count, most_bins));
    const bool automatic = histogram.low == 0 && histogram.high == 0;
    const bool finite = std::isfinite(histogram.low) && std::isfinite(histogram.high);
    if (!automatic && (!finite || histogram.low >= histogram.high))
        return Error(Code::invalid_argument,
                     format("histogram.low is %g and histogram.high %g; low must be below high, or both 0",
                            static_cast<double>(histogram.low), static_cast<double>(histogram.high)));
    return {};
}

void compute_statistics(const Layer &layer, const std::byte *storage, const sac_histogram *histogram,
                        sac_tensor_statistics &statistics) {
    double sum = 0;
    uint64_t finite = 0;
    for_each_value(layer, storage, [&](float value) {
        ++statistics.count;
        if (std::isnan(value)) {
            ++statistics.nan_count;
            return;
        }
        if (std::isinf(value)) {
            ++statistics.inf_count;
            return;
        }
        statistics.min = finite ? std::min(statistics.min, value) : value;
        statistics.max = finite ? std::max(statistics.max, value) : value;
        if (value == 0) ++statistics.zero_count;
        sum += static_cast<double>(value);
        ++finite;
    });
    if (finite) statistics.mean = sum / static_cast<double>(finite);

    const bool automatic = histogram && histogram->low == 0 && histogram->high == 0;
    if (histogram) {
        statistics.low = automatic ? statistics.min : histogram->low;
        statistics.high = automatic ? statistics.max : histogram->high;
        std::fill_n(histogram->bins, histogram->bin_count, uint64_t{0});
    }
    const double low = static_cast<double>(statistics.low), range = static_cast<double>(statistics.high) - low;
    double squares = 0;
    for_each_value(layer, storage, [&](float value) {
        if (!std::isfinite(value)) return;
        const double difference = static_cast<double>(value) - statistics.mean;
        squares += difference * difference;
        if (!histogram) return;
        if (value < statistics.low) {
            ++statistics.below;
        } else if (value > statistics.high) {
            ++statistics.above;
        } else {
            const double place =
                range > 0 ? (static_cast<double>(value) - low) / range * static_cast<double>(histogram->bin_count) : 0;
            ++histogram->bins[std::min(static_cast<uint32_t>(place), histogram->bin_count - 1)];
        }
    });
    if (finite) statistics.deviation = std::sqrt(squares / static_cast<double>(finite));
}

}  // namespace sac::vision

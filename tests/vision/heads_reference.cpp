#include "tests/vision/heads_reference.h"

#include <algorithm>
#include <cstring>

#include "compute/base/half.h"
#include "tests/support/device.h"

namespace sac::test {
namespace {

// Elements in memory order of the layout, pad lanes 0.
std::vector<float> laid_out(const HeadOutput &output) {
    std::vector<float> stored(static_cast<size_t>(padded_element_count(output.shape, output.layout)));
    if (output.layout == Layout::dense) {
        std::copy(output.values.begin(), output.values.end(), stored.begin());
        return stored;
    }
    const auto channels = static_cast<size_t>(output.shape[1]), rows = output.values.size() / channels;
    for (size_t row = 0; row < rows; ++row)
        for (size_t c = 0; c < channels; ++c)
            stored[row * ((channels + 3) / 4 * 4) + c] = output.values[c * rows + row];
    return stored;
}

}  // namespace

Result<HeadResult> detect_on_device(const Card &card, const std::vector<HeadOutput> &outputs,
                                    const DetectionThresholds &thresholds, const PreprocessTransform &transform) {
    std::vector<vk::Buffer> buffers;
    std::vector<TensorInfo> tensors;
    for (const HeadOutput &output : outputs) {
        const std::vector<float> stored = laid_out(output);
        TensorInfo tensor;
        tensor.name = output.name;
        tensor.shape = output.shape;
        tensor.layout = output.layout;
        tensor.storage = output.storage;
        tensor.bytes =
            static_cast<VkDeviceSize>(round_up(static_cast<int64_t>(stored.size() * size_of(output.storage)), 16));
        buffers.push_back(host_buffer(tensor.bytes, "network output"));
        tensor.buffer = buffers.back().handle();
        for (size_t i = 0; i < stored.size(); ++i) {
            if (output.storage == DType::f16)
                buffers.back().mapped<uint16_t>()[i] = float_to_half(stored[i]);
            else
                buffers.back().mapped<float>()[i] = stored[i];
        }
        tensors.push_back(tensor);
    }
    SAC_ASSIGN(DetectionHead head, DetectionHead::create(memory(), kernels(), card, tensors, 2));
    HeadResult result;
    // Twice, in two slots: counters and lists must start afresh.
    for (uint32_t slot = 0; slot < 2; ++slot)
        SAC_TRY(vk::run_once(
            device(), [&](VkCommandBuffer commands) { return head.record(commands, slot, transform, thresholds); },
            "detection head"));
    result.counts = head.read(0, result.detections);
    std::vector<Detection> again;
    const DetectionCounts counts = head.read(1, again);
    const bool same =
        counts.candidates == result.counts.candidates && again.size() == result.detections.size() &&
        (again.empty() || std::memcmp(again.data(), result.detections.data(), again.size() * sizeof(Detection)) == 0);
    if (!same) return Error(Code::internal, "two runs on the same output differ");
    return result;
}

std::vector<Detection> reference_suppression(std::vector<Candidate> candidates, const DetectionThresholds &thresholds) {
    std::erase_if(candidates, [&](const Candidate &c) { return !(c.score >= thresholds.score); });
    std::sort(candidates.begin(), candidates.end(), [](const Candidate &a, const Candidate &b) {
        return a.score > b.score || (a.score == b.score && a.cell < b.cell);
    });
    candidates.resize(std::min<size_t>(candidates.size(), max_candidates));
    std::vector<Detection> kept;
    for (const Candidate &c : candidates) {
        if (kept.size() == thresholds.max_detections) break;
        const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](const Detection &k) {
            if (thresholds.class_aware && k.class_id != c.class_id) return false;
            const float width = std::max(std::min(k.x2, c.x2) - std::max(k.x1, c.x1), 0.0f);
            const float height = std::max(std::min(k.y2, c.y2) - std::max(k.y1, c.y1), 0.0f);
            const float common = width * height;
            const float area_k = (k.x2 - k.x1) * (k.y2 - k.y1), area_c = (c.x2 - c.x1) * (c.y2 - c.y1);
            return common > thresholds.nms_iou * (area_k + area_c - common);
        });
        if (!suppressed) kept.push_back({c.class_id, c.score, c.x1, c.y1, c.x2, c.y2});
    }
    return kept;
}

Card candidate_card(uint32_t cells, uint32_t classes) {
    Card card;
    card.name = "candidates";
    card.input.width = cells;
    card.input.height = 1;
    card.head.type = HeadType::anchor_free;
    card.head.outputs = {"out"};
    card.head.strides = {1};
    card.head.box = BoxEncoding::absolute;
    card.head.channels_last = true;
    card.labels.assign(classes, "label");
    return card;
}

HeadOutput candidate_output(std::vector<Candidate> &candidates, uint32_t cells, uint32_t classes) {
    HeadOutput output;
    output.name = "out";
    output.shape = {1, cells, 4 + classes};
    output.values.assign(size_t(cells) * (4 + classes), 0.0f);
    for (Candidate &c : candidates) {
        float *const cell = &output.values[size_t(c.cell) * (4 + classes)];
        const float box[4] = {(c.x1 + c.x2) / 2, (c.y1 + c.y2) / 2, c.x2 - c.x1, c.y2 - c.y1};
        std::copy(box, box + 4, cell);
        cell[4 + c.class_id] = c.score;
        c.x1 = box[0] - 0.5f * box[2], c.x2 = box[0] + 0.5f * box[2];
        c.y1 = box[1] - 0.5f * box[3], c.y2 = box[1] + 0.5f * box[3];
    }
    return output;
}

}  // namespace sac::test

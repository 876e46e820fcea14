#include "plugins/vision/model.h"

#include "compute/base/format.h"
#include "compute/onnx/import.h"
#include "plugins/vision/tuning_file.h"

namespace sac::vision {
namespace {

// Paths are UTF-8 on every system, and joined with '/', which a host's read_asset can rely on.
std::string join(const std::string &folder, const std::string &name) {
    const bool ends = !folder.empty() && (folder.back() == '/' || folder.back() == '\\');
    return ends ? folder + name : folder + "/" + name;
}

Result<Card> read_card(const Host &host, const std::string &folder) {
    if (!host.reads_assets()) return load_card(folder);
    const std::string path = join(folder, "card.json");
    SAC_ASSIGN(const std::string text, host.read_asset(path));
    return parse_card(text, path, [&](const std::string &name) -> Result<std::string> {
        if (!stays_inside(name))
            return Error(Code::invalid_file,
                         format("%s: the file %s lies outside of the folder", path.c_str(), name.c_str()));
        return host.read_asset(join(folder, name));
    });
}

Status check_input(const Graph &graph, const std::string &name) {
    std::string names;
    for (const ValueId id : graph.inputs) {
        if (graph.values[id].name == name) return {};
        names += (names.empty() ? "'" : ", '") + graph.values[id].name + "'";
    }
    return Error(Code::invalid_file,
                 format("there is no input '%s'; it has %s", name.c_str(), names.empty() ? "none" : names.c_str()));
}

}  // namespace

Result<Graph> load_graph(const Host &host, const std::string &path) {
    if (!host.reads_assets()) return onnx::import_file(path);
    SAC_ASSIGN(std::string text, host.read_asset(path));
    const auto owner = std::make_shared<const std::string>(std::move(text));
    const std::span bytes(reinterpret_cast<const std::byte *>(owner->data()), owner->size());
    return onnx::import_memory(bytes, owner, path);
}

Result<std::unique_ptr<Session>> load_session(Runtime &runtime, const Host &host, Graph graph, SessionOptions options) {
    options.tuning = TuningFile(runtime).read(host.log());
    return Session::load(runtime, std::move(graph), options);
}

Model::Model(Card card, std::unique_ptr<Session> session, Preprocess preprocess, DetectionHead head, uint32_t slots,
             bool timestamps)
    : card_(std::move(card)),
      labels_(std::make_shared<const Labels>(card_.labels)),
      session_(std::move(session)),
      layers_(layers_of(session_->plan())),
      preprocess_(std::move(preprocess)),
      head_(std::move(head)),
      transforms_(slots),
      timestamps_(timestamps),
      slice_ns_(most_slice_stamps()) {
    detections_.reserve(max_detections_limit);
}

Result<std::unique_ptr<Model>> Model::load(Runtime &runtime, const Host &host, const ModelSource &source,
                                           uint32_t slots) {
    SAC_ASSIGN(Card card, read_card(host, source.folder));
    const std::string path = source.weights.empty() ? join(source.folder, card.file) : source.weights;

    SessionOptions options;
    options.storage = source.fp16 ? DType::f16 : DType::f32;
    options.formats = DetectionHead::wanted_formats(card);
    // Preprocessing writes what the first layer reads best.
    const Layout layout = card.input.layout == TensorOrder::nchw ? Layout::c4 : Layout::dense;
    options.formats[card.input.name] = {layout, options.storage};
    const bool nchw = card.input.layout == TensorOrder::nchw;
    options.dimensions[card.input.name + (nchw ? ":2" : ":1")] = card.input.height;
    options.dimensions[card.input.name + (nchw ? ":3" : ":2")] = card.input.width;
    SAC_ASSIGN(Graph graph, load_graph(host, path));
    auto checked = check_input(graph, card.input.name);
    if (!checked) return std::move(checked).error().with_context(path + " with the card of " + source.folder);
    SAC_ASSIGN(auto session, load_session(runtime, host, std::move(graph), options));

    const TensorInfo &input = *session->find(card.input.name);
    auto preprocess = Preprocess::create(runtime.memory, *runtime.kernels, card.input, input, slots);
    if (!preprocess.ok()) return std::move(preprocess).error().with_context(path);
    auto head = DetectionHead::create(runtime.memory, *runtime.kernels, card, session->outputs(), slots);
    if (!head.ok()) return std::move(head).error().with_context(path);
    return std::unique_ptr<Model>(new Model(std::move(card), std::move(session), std::move(preprocess).value(),
                                            std::move(head).value(), slots, runtime.device.caps().timestamps));
}

Status Model::prepare_as(const Model &other) {
    for (uint32_t kind = 0; kind < Preprocess::kinds; ++kind)
        if (other.preprocess_.warm(kind)) SAC_TRY(preprocess_.warm_up(kind));
    return {};
}

Status Model::record(VkCommandBuffer commands, uint32_t slot, const FrameSource &source,
                     const DetectionThresholds &thresholds, vk::Timestamps &stamps, const Observation &observation) {
    stamps.write(commands, 0);
    SAC_ASSIGN(const PreprocessTransform transform, preprocess_.record(commands, slot, source));
    stamps.write(commands, 1);
    SAC_TRY(session_->record(commands, 0, session_->dispatch_count(), observation));
    stamps.write(commands, 2);
    SAC_TRY(head_.record(commands, slot, transform, thresholds));
    stamps.write(commands, 3);
    return {};
}

std::span<const Detection> Model::read(uint32_t slot, uint32_t &candidates) {
    candidates = head_.read(slot, detections_).candidates;
    return detections_;
}

}  // namespace sac::vision

// Phase import: ModelProto and GraphProto -> Graph. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

#include "compute/onnx/import.h"

#include <algorithm>
#include <new>
#include <protozero/exception.hpp>
#include <queue>
#include <set>
#include <unordered_map>

#include "compute/onnx/decode.h"
#include "compute/onnx/mapped_file.h"

namespace sac::onnx {

namespace {

using protozero::data_view;
using protozero::pbf_reader;

constexpr uint32_t key(uint32_t field, protozero::pbf_wire_type type) { return protozero::tag_and_type(field, type); }
constexpr auto varint = protozero::pbf_wire_type::varint;
constexpr auto bytes = protozero::pbf_wire_type::length_delimited;
constexpr auto word = protozero::pbf_wire_type::fixed32;

constexpr int most_nested_graphs = 16;

using Opsets = std::map<std::string, int, std::less<>>;

/// One GraphProto becoming a Graph. `outer` is the graph round a subgraph, whose names it may read.
class GraphImport {
public:
    GraphImport(Source &source, const Opsets &opsets, const GraphImport *outer, int depth)
        : source_(source), opsets_(opsets), outer_(outer), depth_(depth) {
        if (depth > most_nested_graphs) fail("graphs are nested too deeply", Code::unsupported);
    }

    Graph run(data_view view) {
        graph_.source = source_.name;
        std::vector<data_view> nodes, initializers, inputs, outputs;
        pbf_reader message(view);
        while (message.next()) {
            switch (message.tag_and_type()) {
                case key(1, bytes): nodes.push_back(message.get_view()); break;
                case key(5, bytes): initializers.push_back(message.get_view()); break;
                case key(11, bytes): inputs.push_back(message.get_view()); break;
                case key(12, bytes): outputs.push_back(message.get_view()); break;
                case key(15, bytes): fail("it has sparse initializers", Code::unsupported);
                default: message.skip();
            }
        }
        for (const data_view initializer : initializers) add_initializer(initializer);
        for (const data_view input : inputs) add_input(input);
        std::vector<std::vector<std::string>> reads;
        reads.reserve(nodes.size());
        for (const data_view node : nodes) reads.push_back(add_node(node));
        resolve(reads);
        for (const data_view output : outputs) add_output(output);
        if (outputs.empty() && depth_ == 0) fail("the graph has no outputs");
        sort_nodes();
        name_nodes();
        return std::move(graph_);
    }

    bool knows(const std::string &name) const { return ids_.contains(name) || (outer_ && outer_->knows(name)); }

private:
    ValueId define(const std::string &name, const std::string &by) {
        const ValueId id = graph_.add_value(name);
        if (!ids_.emplace(name, id).second) fail("value '" + name + "' is defined a second time by " + by);
        return id;
    }

    void add_initializer(data_view view) {
        NamedTensor named = decode_tensor(source_, view);
        if (named.name.empty()) fail("an initializer has no name");
        const ValueId id = graph_.add_constant(named.name, std::move(named.tensor));
        if (!ids_.emplace(named.name, id).second) fail("initializer '" + named.name + "' occurs twice");
    }

    struct ValueInfo {
        std::string name;
        int64_t type = 0;
        bool has_shape = false;
        std::vector<Dimension> dims;
    };

    static ValueInfo read_value_info(data_view view) {
        ValueInfo info;
        pbf_reader message(view);
        while (message.next()) {
            if (message.tag_and_type() == key(1, bytes))
                info.name = text_of(message.get_view());
            else if (message.tag_and_type() == key(2, bytes))
                read_type(message.get_view(), info);
            else
                message.skip();
        }
        return info;
    }

    static void read_type(data_view view, ValueInfo &info) {
        pbf_reader type(view);
        while (type.next()) {
            if (type.tag_and_type() != key(1, bytes)) {  // sequences, maps, optionals: left without a type
                type.skip();
                continue;
            }
            pbf_reader tensor(type.get_view());
            while (tensor.next()) {
                if (tensor.tag_and_type() == key(1, varint)) {
                    info.type = tensor.get_int32();
                } else if (tensor.tag_and_type() == key(2, bytes)) {
                    info.has_shape = true;
                    read_shape(tensor.get_view(), info);
                } else {
                    tensor.skip();
                }
            }
        }
    }

    static void read_shape(data_view view, ValueInfo &info) {
        pbf_reader shape(view);
        while (shape.next()) {
            if (shape.tag_and_type() != key(1, bytes)) {
                shape.skip();
                continue;
            }
            Dimension dimension;
            pbf_reader dim(shape.get_view());
            while (dim.next()) {
                if (dim.tag_and_type() == key(1, varint)) {
                    dimension.value = dim.get_int64();
                    if (dimension.value < -1) fail("input '" + info.name + "' has a negative size");
                } else if (dim.tag_and_type() == key(2, bytes)) {
                    dimension.symbol = text_of(dim.get_view());
                } else {
                    dim.skip();
                }
            }
            info.dims.push_back(std::move(dimension));
            if (info.dims.size() > 64) fail("input '" + info.name + "' has too many axes");
        }
    }

    void add_input(data_view view) {
        ValueInfo info = read_value_info(view);
        if (const auto at = ids_.find(info.name); at != ids_.end()) {
            // Before IR version 4 every initializer was an input as well; since then this gives it a default value.
            if (graph_.values[at->second].constant) return;
            fail("input '" + info.name + "' occurs twice");
        }
        const ValueId id = define(info.name, "an input");
        Value &value = graph_.values[id];
        if (depth_ == 0) {
            if (info.name.empty()) fail("an input has no name");
            if (!info.type) fail("input '" + info.name + "' is no tensor", Code::unsupported);
            if (!info.has_shape) fail("input '" + info.name + "' has no shape, not even a rank", Code::unsupported);
        }
        if (info.type) value.dtype = decode_type(info.type, "input '" + info.name + "'");
        value.declared = std::move(info.dims);
        graph_.inputs.push_back(id);
    }

    void add_output(data_view view) {
        const ValueInfo info = read_value_info(view);
        const auto at = ids_.find(info.name);
        if (at == ids_.end()) {
            if (depth_ == 0 || !knows(info.name)) fail("output '" + info.name + "' is made by no node");
            ids_.emplace(info.name, graph_.add_value(info.name));  // captured from the graph outside
        }
        const ValueId id = ids_.at(info.name);
        if (!is_output_.insert(id).second) fail("output '" + info.name + "' occurs twice");
        graph_.outputs.push_back(id);
    }

    /// Appends the node; the names of its inputs are resolved when all nodes are known.
    std::vector<std::string> add_node(data_view view) {
        Node node;
        std::vector<std::string> inputs, outputs;
        std::vector<data_view> attributes;
        pbf_reader message(view);
        while (message.next()) {
            switch (message.tag_and_type()) {
                case key(1, bytes): inputs.push_back(text_of(message.get_view())); break;
                case key(2, bytes): outputs.push_back(text_of(message.get_view())); break;
                case key(3, bytes): node.name = text_of(message.get_view()); break;
                case key(4, bytes): node.type = text_of(message.get_view()); break;
                case key(5, bytes): attributes.push_back(message.get_view()); break;
                case key(7, bytes): node.domain = text_of(message.get_view()); break;
                default: message.skip();
            }
        }
        if (node.domain == "ai.onnx") node.domain.clear();
        if (node.name.empty()) node.name = node.type + "_" + std::to_string(graph_.nodes.size());
        if (node.type.empty()) fail("node '" + node.name + "' has no operator");
        const auto opset = opsets_.find(node.domain);
        if (opset == opsets_.end())
            fail(node.describe() + ": the model imports no operator set for domain '" + node.domain + "'");
        node.opset = opset->second;
        for (const std::string &output : outputs)
            node.outputs.push_back(output.empty() ? no_value : define(output, node.describe()));
        for (const data_view attribute : attributes) add_attribute(node, attribute);
        graph_.nodes.push_back(std::move(node));
        return inputs;
    }

    void add_attribute(Node &node, data_view view) {
        std::string name;
        std::optional<float> number;
        std::optional<int64_t> integer;
        std::optional<std::string> text;
        std::optional<data_view> tensor, graph;
        std::vector<float> floats;
        std::vector<int64_t> integers;
        std::vector<std::string> texts;
        int64_t type = 0;
        pbf_reader message(view);
        while (message.next()) {
            switch (message.tag_and_type()) {
                case key(1, bytes): name = text_of(message.get_view()); break;
                case key(2, word): number = message.get_float(); break;
                case key(3, varint): integer = message.get_int64(); break;
                case key(4, bytes): text = text_of(message.get_view()); break;
                case key(5, bytes): tensor = message.get_view(); break;
                case key(6, bytes): graph = message.get_view(); break;
                case key(7, word): floats.push_back(message.get_float()); break;
                case key(7, bytes):
                    for (const float value : message.get_packed_float()) floats.push_back(value);
                    break;
                case key(8, varint): integers.push_back(message.get_int64()); break;
                case key(8, bytes):
                    for (const int64_t value : message.get_packed_int64()) integers.push_back(value);
                    break;
                case key(9, bytes): texts.push_back(text_of(message.get_view())); break;
                case key(20, varint): type = message.get_int32(); break;
                default: message.skip();
            }
        }
        const std::string what = node.describe() + ": attribute '" + name + "'";
        if (name.empty()) fail(node.describe() + ": an attribute has no name");
        if (node.attributes.contains(name)) fail(what + " occurs twice");
        // Files before IR version 2 give no type: it follows from what is there.
        if (type == 0)
            type = number              ? 1
                   : integer           ? 2
                   : text              ? 3
                   : tensor            ? 4
                   : graph             ? 5
                   : !floats.empty()   ? 6
                   : !integers.empty() ? 7
                   : !texts.empty()    ? 8
                                       : 0;
        switch (type) {
            case 1: node.attributes[name] = number.value_or(0.0f); break;
            case 2: node.attributes[name] = integer.value_or(0); break;
            case 3: node.attributes[name] = text.value_or(""); break;
            case 4:
                if (!tensor) fail(what + " has no tensor");
                node.attributes[name] = decode_in(what, *tensor);
                break;
            case 5:
                if (!graph) fail(what + " has no graph");
                node.attributes[name] =
                    std::make_shared<Graph>(GraphImport(source_, opsets_, this, depth_ + 1).run(*graph));
                break;
            case 6: node.attributes[name] = std::move(floats); break;
            case 7: node.attributes[name] = std::move(integers); break;
            case 8: node.attributes[name] = std::move(texts); break;
            default: fail(what + " has kind " + std::to_string(type) + ", which is not supported", Code::unsupported);
        }
    }

    HostTensor decode_in(const std::string &what, data_view view) {
        try {
            return decode_tensor(source_, view).tensor;
        } catch (Damage &damage) { throw Damage{std::move(damage.error).with_context(what)}; }
    }

    void resolve(const std::vector<std::vector<std::string>> &reads) {
        for (size_t i = 0; i < reads.size(); ++i) {
            for (const std::string &name : reads[i]) {
                if (name.empty()) {
                    graph_.nodes[i].inputs.push_back(no_value);
                    continue;
                }
                if (!ids_.contains(name)) {
                    if (!knows(name))
                        fail(graph_.nodes[i].describe() + ": its input '" + name + "' is made by no node");
                    ids_.emplace(name, graph_.add_value(name));  // captured from the graph outside
                }
                graph_.nodes[i].inputs.push_back(ids_.at(name));
            }
        }
    }

    /// Puts each node after those it reads, as near to the file's order as that allows.
    void sort_nodes() {
        const auto producer = graph_.producers();
        const size_t count = graph_.nodes.size();
        std::vector<std::vector<size_t>> readers(count);
        std::vector<size_t> missing(count, 0);
        for (size_t i = 0; i < count; ++i) {
            for (const ValueId input : graph_.nodes[i].inputs) {
                if (input == no_value || producer[input] == SIZE_MAX) continue;
                readers[producer[input]].push_back(i);
                ++missing[i];
            }
        }
        std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
        for (size_t i = 0; i < count; ++i)
            if (!missing[i]) ready.push(i);
        std::vector<Node> sorted;
        sorted.reserve(count);
        while (!ready.empty()) {
            const size_t i = ready.top();
            ready.pop();
            sorted.push_back(std::move(graph_.nodes[i]));
            for (const size_t reader : readers[i])
                if (--missing[reader] == 0) ready.push(reader);
        }
        if (sorted.size() != count)
            for (size_t i = 0; i < count; ++i)
                if (missing[i]) fail(graph_.nodes[i].describe() + " is part of a cycle, or depends on one");
        graph_.nodes = std::move(sorted);
    }

    /// Names stay as they are but for repeated ones, which get a number.
    void name_nodes() {
        std::map<std::string, int> numbers;  // the next one for each name
        for (Node &node : graph_.nodes) {
            const auto [at, fresh] = numbers.try_emplace(node.name, 2);
            for (bool unique = fresh; !unique;) {
                node.name = at->first + "#" + std::to_string(at->second++);
                unique = numbers.try_emplace(node.name, 2).second;
            }
        }
    }

    Source &source_;
    const Opsets &opsets_;
    const GraphImport *outer_;
    int depth_;
    Graph graph_;
    std::unordered_map<std::string, ValueId> ids_;
    std::set<ValueId> is_output_;
};

Graph import_model(Source &source) {
    pbf_reader message(data_view(reinterpret_cast<const char *>(source.bytes.data()), source.bytes.size()));
    std::optional<data_view> graph;
    Opsets opsets;
    bool has_ir_version = false;
    while (message.next()) {
        switch (message.tag_and_type()) {
            case key(1, varint):
                has_ir_version = true;
                message.skip();
                break;
            case key(7, bytes): graph = message.get_view(); break;
            case key(8, bytes): {
                pbf_reader entry(message.get_view());
                std::string domain;
                int64_t version = 1;
                while (entry.next()) {
                    if (entry.tag_and_type() == key(1, bytes))
                        domain = text_of(entry.get_view());
                    else if (entry.tag_and_type() == key(2, varint))
                        version = entry.get_int64();
                    else
                        entry.skip();
                }
                if (version < 1 || version > 1000)
                    fail("operator set '" + domain + "' has version " + std::to_string(version));
                opsets[domain == "ai.onnx" ? "" : domain] = static_cast<int>(version);
                break;
            }
            case key(25, bytes): fail("the model defines functions of its own", Code::unsupported);
            default: message.skip();
        }
    }
    if (!graph) fail(has_ir_version ? "the model has no graph" : "this is no ONNX model");
    if (opsets.empty()) fail("the model imports no operator sets");
    return GraphImport(source, opsets, nullptr, 0).run(*graph);
}

Result<Graph> import_source(Source &source) {
    try {
        return import_model(source);
    } catch (Damage &damage) {
        return std::move(damage.error).with_context(source.name);
    } catch (const protozero::exception &exception) {
        return Error(Code::invalid_file,
                     source.name + ": truncated or damaged, or no ONNX model (" + exception.what() + ")");
    } catch (const std::bad_alloc &) {
        return Error(Code::out_of_memory, source.name + ": not enough memory to read the model");
    } catch (const std::exception &exception) {
        return Error(Code::invalid_file, source.name + ": " + exception.what());
    }
}

}  // namespace

Result<Graph> import_file(const std::string &path) {
    const std::filesystem::path file = from_utf8(path);
    SAC_ASSIGN(const std::shared_ptr<const MappedFile> mapped, MappedFile::open(file));
    Source source;
    source.name = path;
    source.bytes = mapped->bytes();
    source.owner = mapped;
    source.folder = file.has_parent_path() ? to_utf8(file.parent_path()) : ".";
    source.external_allowed = true;
    return import_source(source);
}

Result<Graph> import_memory(std::span<const std::byte> data, std::shared_ptr<const void> owner,
                            const std::string &name) {
    if (data.empty()) return Error(Code::invalid_file, name + ": the model is empty");
    Source source;
    source.name = name;
    source.bytes = data;
    source.owner = std::move(owner);
    return import_source(source);
}

}  // namespace sac::onnx

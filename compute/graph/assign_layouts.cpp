// Phase assign_layouts: where each tensor is dense and where it is c4, in which storage type, and the conversions
// between. A value is converted at most once to each form, and never back to the form it was converted from.

#include "compute/graph/passes.h"

namespace sac {

namespace {

struct Form {
    Layout layout = Layout::dense;
    DType storage = DType::f32;
    auto operator<=>(const Form &) const = default;  // NOLINT(modernize-use-nullptr): it means the 0 within
};

class LayoutPass {
public:
    LayoutPass(Graph &graph, OperatorLookup lookup, DType storage, const IoFormats &formats)
        : graph_(graph), lookup_(lookup), storage_(storage), formats_(formats) {}

    Status run() {
        SAC_TRY(check_formats());
        for (const ValueId id : graph_.inputs) {
            Value &input = graph_.values[id];
            const Form form = format_of(input.name);
            input.layout = form.layout;
            input.storage = form.storage;
        }
        for (Value &value : graph_.values)
            if (value.constant) value.storage = storage_;

        std::vector<Node> nodes = std::move(graph_.nodes);
        graph_.nodes.clear();
        for (Node &node : nodes) SAC_TRY(place(std::move(node)));
        for (ValueId &id : graph_.outputs) SAC_TRY(place_output(id));
        return {};
    }

private:
    Form format_of(const std::string &name) const {
        const auto at = formats_.find(name);
        return at == formats_.end() ? Form{} : Form{at->second.layout, at->second.storage};
    }

    Status check_formats() const {
        if (storage_ != DType::f32 && storage_ != DType::f16)
            return Error(Code::invalid_argument, "storage must be f32 or f16");
        for (const auto &[name, format] : formats_) {
            bool found = false;
            for (const auto *list : {&graph_.inputs, &graph_.outputs})
                for (const ValueId id : *list) {
                    const Value &value = graph_.values[id];
                    if (value.name != name) continue;
                    found = true;
                    if (format.layout == Layout::c4 && value.shape.size() < 2)
                        return Error(Code::invalid_argument, graph_.source + ": '" + name + "' of shape " +
                                                                 to_string(value.shape) + " cannot be c4");
                }
            if (!found)
                return Error(Code::invalid_argument,
                             graph_.source + ": formats name '" + name + "', which is no input or output");
            if (format.storage != DType::f32 && format.storage != DType::f16)
                return Error(Code::invalid_argument, graph_.source + ": '" + name + "' must be stored as f32 or f16");
        }
        for (const ValueId id : graph_.inputs) {
            const Value &value = graph_.values[id];
            if (!is_float(value.dtype))
                return Error(Code::unsupported, graph_.source + ": input '" + value.name + "' has type " +
                                                    name_of(value.dtype) + "; only floats are computed on the device");
        }
        return {};
    }

    Form form_of(ValueId id) const { return {graph_.values[id].layout, graph_.values[id].storage}; }

    /// A new value like `id` in another form.
    ValueId add_like(ValueId id, Form form) {
        const ValueId copy = graph_.add_value(graph_.values[id].name + "/" + name_of(form.layout) +
                                              (form.storage == DType::f16 ? "_f16" : "_f32"));
        Value &value = graph_.values[copy];
        value.dtype = graph_.values[id].dtype;
        value.shape = graph_.values[id].shape;
        value.known = true;
        value.layout = form.layout;
        value.storage = form.storage;
        return copy;
    }

    void add_conversion(ValueId from, ValueId to) {
        const Form a = form_of(from), b = form_of(to);
        Node node;
        node.type = a.layout == b.layout ? "Convert" : b.layout == Layout::c4 ? "ToC4" : "ToDense";
        node.domain = "saccade";
        node.opset = 1;
        node.name = graph_.values[to].name;
        node.inputs = {from};
        node.outputs = {to};
        graph_.nodes.push_back(std::move(node));
    }

    ValueId in_form(ValueId id, Form form) {
        if (form_of(id) == form) return id;
        // All forms of one tensor are known by the first of them.
        const auto origin_at = origin_.find(id);
        const ValueId origin = origin_at == origin_.end() ? id : origin_at->second;
        if (form_of(origin) == form) return origin;
        const auto key = std::pair(origin, form);
        if (const auto made = made_.find(key); made != made_.end()) return made->second;
        const ValueId copy = add_like(id, form);
        add_conversion(id, copy);
        made_[key] = copy;
        origin_[copy] = origin;
        return copy;
    }

    /// The constant `id` as C4; other readers of it keep theirs.
    ValueId constant_c4(ValueId id) {
        const auto [made, fresh] = made_.try_emplace({id, Form{Layout::c4, storage_}}, no_value);
        if (!fresh) return made->second;
        const ValueId copy = add_like(id, {Layout::c4, storage_});
        graph_.values[copy].constant = graph_.values[id].constant;
        return made->second = copy;
    }

    Status place(Node node) {
        const Operator *op = lookup_(node.domain, node.type, node.opset);
        if (!op) return Error(Code::unsupported, graph_.source + ": no operator for " + node.describe());
        const LayoutChoice choice = op->layouts ? op->layouts(graph_, node) : LayoutChoice{};
        for (size_t i = 0; i < node.inputs.size(); ++i) {
            const ValueId id = node.inputs[i];
            if (id == no_value) continue;
            if (graph_.values[id].constant) {
                // Weights are packed by their operator; constant data is uploaded as its reader wants it.
                if (i == 0 && !choice.inputs.empty() && choice.inputs[0] == Layout::c4)
                    node.inputs[0] = constant_c4(id);
                continue;
            }
            const bool residual = node.epilogue.residual && i + 1 == node.inputs.size();
            const Layout layout = i < choice.inputs.size() ? choice.inputs[i]
                                  : residual               ? choice.output
                                                           : Layout::dense;
            node.inputs[i] = in_form(id, {layout, storage_});
        }
        for (const ValueId id : node.outputs) {
            if (id == no_value) continue;
            graph_.values[id].layout = choice.output;
            graph_.values[id].storage = storage_;
        }
        graph_.nodes.push_back(std::move(node));
        return {};
    }

    /// Makes an output lie as its format asks. It keeps its name: what computes it writes to a new value instead.
    Status place_output(ValueId &id) {
        const Form wanted = format_of(graph_.values[id].name);
        if (graph_.values[id].constant) {
            graph_.values[id].layout = wanted.layout;
            graph_.values[id].storage = wanted.storage;
            return {};
        }
        if (form_of(id) == wanted) return {};
        for (const ValueId input : graph_.inputs)
            if (input == id)
                return Error(Code::unsupported, graph_.source + ": '" + graph_.values[id].name +
                                                    "' is an input and an output, in two formats");
        const Form made = form_of(id);
        const ValueId computed = add_like(id, made);
        for (Node &node : graph_.nodes) {
            for (ValueId &input : node.inputs)
                if (input == id) input = computed;
            for (ValueId &output : node.outputs)
                if (output == id) output = computed;
        }
        // If someone reads it in the wanted form already, that copy is the output.
        if (const auto copy = made_.find({id, wanted}); copy != made_.end() && !is_output(copy->second)) {
            graph_.values[copy->second].name = graph_.values[id].name;
            graph_.values[id].name += "/replaced";
            graph_.values[id].known = false;
            id = copy->second;
            return {};
        }
        graph_.values[id].layout = wanted.layout;
        graph_.values[id].storage = wanted.storage;
        add_conversion(computed, id);
        return {};
    }

    bool is_output(ValueId id) const {
        for (const ValueId output : graph_.outputs)
            if (output == id) return true;
        return false;
    }

    Graph &graph_;
    OperatorLookup lookup_;
    DType storage_;
    const IoFormats &formats_;
    std::map<std::pair<ValueId, Form>, ValueId> made_;  ///< by origin and form
    std::map<ValueId, ValueId> origin_;
};

}  // namespace

Status assign_layouts(Graph &graph, OperatorLookup lookup, DType storage, const IoFormats &formats) {
    return LayoutPass(graph, lookup, storage, formats).run();
}

}  // namespace sac

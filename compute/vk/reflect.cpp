// Reads a compute shader's interface from its SPIR-V: one pass over the instructions. The words may come from anywhere
// (a file, a damaged cache), so every index is checked before use.

#include <algorithm>
#include <array>
#include <map>

#include "compute/base/format.h"
#include "compute/vk/pipeline.h"

namespace sac::vk {
namespace {

// Numbers of the SPIR-V specification that are used here.
constexpr uint32_t magic = 0x07230203;
enum Op : uint32_t {
    op_entry_point = 15,
    op_execution_mode = 16,
    op_type_bool = 20,
    op_type_int = 21,
    op_type_float = 22,
    op_type_vector = 23,
    op_type_matrix = 24,
    op_type_image = 25,
    op_type_sampler = 26,
    op_type_sampled_image = 27,
    op_type_array = 28,
    op_type_runtime_array = 29,
    op_type_struct = 30,
    op_type_pointer = 32,
    op_constant = 43,
    op_constant_composite = 44,
    op_spec_constant = 50,
    op_spec_constant_composite = 51,
    op_function_end = 56,
    op_variable = 59,
    op_decorate = 71,
    op_member_decorate = 72,
    op_execution_mode_id = 331
};
enum Decoration : uint32_t {
    block = 2,
    buffer_block = 3,
    array_stride = 6,
    matrix_stride = 7,
    built_in = 11,
    binding = 33,
    descriptor_set = 34,
    offset = 35
};
enum StorageClass : uint32_t {
    uniform_constant = 0,
    uniform = 2,
    workgroup = 4,
    push_constant = 9,
    storage_buffer = 12
};
constexpr uint32_t gl_compute = 5, local_size_mode = 17, local_size_id_mode = 38, workgroup_size = 25, dim_buffer = 5;

struct Id {
    uint32_t op = 0;
    std::vector<uint32_t> operands;  // without the result id (and, of constants and variables, with the type first)
};

class Reader {
public:
    explicit Reader(std::span<const uint32_t> words) : words_(words) {}

    Result<ShaderInterface> read() {
        if (words_.size() < 5 || words_[0] != magic) return bad("it does not begin with SPIR-V's magic number");
        const uint32_t bound = words_[3];
        // SPIR-V's universal limit; and defining an id takes two words, so a far larger bound is damage.
        if (bound == 0 || bound > 4'194'303 || bound > 4 * words_.size()) return bad("its id bound is out of range");
        ids_.resize(bound);
        for (size_t at = 5; at < words_.size();) {
            const uint32_t count = words_[at] >> 16, op = words_[at] & 0xffff;
            if (count == 0 || count > words_.size() - at)
                return bad(format("the instruction at word %zu runs over the end", at));
            SAC_TRY(instruction(op, words_.subspan(at + 1, count - 1)));
            last_op_ = op;
            at += count;
        }
        if (last_op_ != op_function_end) return bad("it does not end with the end of a function");
        if (!compute_) return bad("it has no compute entry point");
        SAC_TRY(local_size());
        SAC_TRY(variables());
        return std::move(interface_);
    }

private:
    static Error bad(const std::string &why) {
        return Error(Code::invalid_file, "the shader is not usable SPIR-V: " + why);
    }

    // Stores what later steps look up. `operands` are the instruction's words but the first.
    Status instruction(uint32_t op, std::span<const uint32_t> operands) {
        const auto define = [&](size_t id_at) -> Status {
            if (operands.size() <= id_at || operands[id_at] >= ids_.size()) return bad("an id is out of range");
            Id &id = ids_[operands[id_at]];
            if (id.op) return bad(format("id %u is defined twice", operands[id_at]));
            id.op = op;
            for (size_t i = 0; i < operands.size(); ++i)
                if (i != id_at) id.operands.push_back(operands[i]);
            if (op == op_variable) variables_.push_back(operands[id_at]);
            return {};
        };
        switch (op) {
            case op_entry_point:
                if (operands.size() < 3) return bad("an entry point is cut short");
                if (operands[0] != gl_compute) return bad("its entry point is not a compute shader");
                if (compute_) return bad("it has several entry points");
                compute_ = true;
                return {};
            case op_execution_mode:
            case op_execution_mode_id:
                if (operands.size() >= 5 && (operands[1] == local_size_mode || operands[1] == local_size_id_mode)) {
                    size_by_id_ = operands[1] == local_size_id_mode;
                    std::copy_n(operands.begin() + 2, 3, size_);
                }
                return {};
            case op_type_bool:
            case op_type_int:
            case op_type_float:
            case op_type_vector:
            case op_type_matrix:
            case op_type_image:
            case op_type_sampler:
            case op_type_sampled_image:
            case op_type_array:
            case op_type_runtime_array:
            case op_type_struct:
            case op_type_pointer: return define(0);
            case op_constant:
            case op_constant_composite:
            case op_spec_constant:
            case op_spec_constant_composite:
            case op_variable: return define(1);
            case op_decorate:
                if (operands.size() >= 2)
                    decorations_[{operands[0], operands[1]}] = operands.size() > 2 ? operands[2] : 1;
                return {};
            case op_member_decorate:
                if (operands.size() >= 4 && (operands[2] == offset || operands[2] == matrix_stride))
                    members_[{operands[0], operands[1], operands[2]}] = operands[3];
                return {};
            default: return {};
        }
    }

    // The id if it is of that operation and has at least that many operands.
    const Id *find(uint32_t id, uint32_t op, size_t operands) const {
        if (id >= ids_.size() || ids_[id].op != op || ids_[id].operands.size() < operands) return nullptr;
        return &ids_[id];
    }
    bool decoration(uint32_t id, uint32_t kind, uint32_t &value) const {
        const auto found = decorations_.find({id, kind});
        if (found == decorations_.end()) return false;
        value = found->second;
        return true;
    }
    Result<uint32_t> constant(uint32_t id) const {
        const Id *c = find(id, op_constant, 2);
        if (!c) c = find(id, op_spec_constant, 2);
        if (!c) return bad(format("id %u is not a constant", id));
        return c->operands[1];
    }

    Status local_size() {
        for (const auto &[key, value] : decorations_) {  // the built-in constant goes before the execution mode
            if (key.second != built_in || value != workgroup_size) continue;
            const Id *c = find(key.first, op_constant_composite, 4);
            if (!c) c = find(key.first, op_spec_constant_composite, 4);
            if (!c) return bad("its workgroup size is not a constant");
            std::copy_n(c->operands.begin() + 1, 3, size_);
            size_by_id_ = true;
        }
        for (int i = 0; i < 3; ++i) {
            if (size_by_id_) { SAC_ASSIGN(size_[i], constant(size_[i])); }
            if (size_[i] == 0) return bad("it states no workgroup size");
            interface_.local_size[i] = size_[i];
        }
        return {};
    }

    // Bytes of a type; `stride` is the matrix stride that a struct's member states. Depth bounds damaged, cyclic types.
    Result<uint64_t> size_of(uint32_t type, uint32_t stride = 0, int depth = 0) const {
        if (depth > 16 || type >= ids_.size()) return bad("a type is nested too deeply or out of range");
        const Id &id = ids_[type];
        const auto operand = [&](size_t i) { return i < id.operands.size() ? id.operands[i] : 0; };
        switch (id.op) {
            case op_type_bool: return uint64_t(4);
            case op_type_int:
            case op_type_float: return uint64_t(operand(0) / 8);
            case op_type_vector: {
                SAC_ASSIGN(const uint64_t element, size_of(operand(0), 0, depth + 1));
                return element * operand(1);
            }
            case op_type_matrix: {
                SAC_ASSIGN(const uint64_t column, size_of(operand(0), 0, depth + 1));
                return std::max<uint64_t>(stride, column) * operand(1);
            }
            case op_type_array: {
                SAC_ASSIGN(uint64_t element, size_of(operand(0), stride, depth + 1));
                SAC_ASSIGN(const uint32_t length, constant(operand(1)));
                uint32_t array_step = 0;
                if (decoration(type, array_stride, array_step)) element = array_step;
                if (length && element > UINT32_MAX / length) return bad("an array is too large");
                return element * length;
            }
            case op_type_struct: {
                uint64_t end = 0;
                for (uint32_t i = 0; i < id.operands.size(); ++i) {
                    const auto at = members_.find({type, i, offset});
                    const auto step = members_.find({type, i, matrix_stride});
                    SAC_ASSIGN(const uint64_t size,
                               size_of(id.operands[i], step == members_.end() ? 0 : step->second, depth + 1));
                    end = at == members_.end() ? end + size : std::max(end, at->second + size);
                    if (end > UINT32_MAX) return bad("a block is too large");
                }
                return end;
            }
            default: return bad("a block has a member of unknown type");
        }
    }

    Status variables() {
        std::map<uint32_t, BindingKind> bindings;
        uint64_t shared = 0;
        for (const uint32_t id : variables_) {
            const Id *variable = find(id, op_variable, 2);
            const Id *pointer = variable ? find(variable->operands[0], op_type_pointer, 2) : nullptr;
            if (!pointer) return bad(format("variable %u has no pointer type", id));
            const uint32_t storage = variable->operands[1], type = pointer->operands[1];
            if (storage == push_constant) {
                SAC_ASSIGN(const uint64_t size, size_of(type));
                interface_.push_constant_size = static_cast<uint32_t>((size + 3) / 4 * 4);
            } else if (storage == workgroup) {
                SAC_ASSIGN(const uint64_t size, size_of(type));
                shared += size;
            } else if (storage == storage_buffer || storage == uniform || storage == uniform_constant) {
                SAC_ASSIGN(const BindingKind kind, kind_of(storage, type));
                uint32_t set = 0, number = 0;
                if (!decoration(id, binding, number)) return bad(format("variable %u has no binding", id));
                if (decoration(id, descriptor_set, set) && set != 0)
                    return bad(format("binding %u is in set %u, only set 0 is used", number, set));
                if (!bindings.emplace(number, kind).second) return bad(format("binding %u is declared twice", number));
            }
        }
        for (const auto &[number, kind] : bindings) {
            if (number != interface_.bindings.size())
                return bad(format("binding %zu is missing below binding %u", interface_.bindings.size(), number));
            interface_.bindings.push_back(kind);
        }
        if (shared > UINT32_MAX) return bad("its shared memory is too large");
        interface_.shared_memory = static_cast<uint32_t>(shared);
        return {};
    }

    Result<BindingKind> kind_of(uint32_t storage, uint32_t type) const {
        uint32_t unused = 0;
        if (find(type, op_type_struct, 0)) {
            if (storage == storage_buffer || (storage == uniform && decoration(type, buffer_block, unused)))
                return BindingKind::storage_buffer;
            return bad("it has a uniform buffer, for which there is no kind of binding");
        }
        if (find(type, op_type_sampled_image, 1)) return BindingKind::sampled_image;
        if (const Id *image = find(type, op_type_image, 6)) {  // sampled type, dim, depth, arrayed, ms, sampled
            const bool buffer = image->operands[1] == dim_buffer;
            if (image->operands[5] == 2) return buffer ? BindingKind::storage_texel_buffer : BindingKind::storage_image;
        }
        return bad("it has a descriptor of a kind that is not used here");
    }

    std::span<const uint32_t> words_;
    std::vector<Id> ids_;
    std::vector<uint32_t> variables_;
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> decorations_;  // (id, decoration) -> operand
    std::map<std::array<uint32_t, 3>, uint64_t> members_;            // (struct, member, decoration) -> operand
    ShaderInterface interface_;
    uint32_t last_op_ = 0;
    bool compute_ = false, size_by_id_ = false;
    uint32_t size_[3] = {0, 0, 0};
};

}  // namespace

Result<ShaderInterface> reflect(std::span<const uint32_t> spirv) { return Reader(spirv).read(); }

}  // namespace sac::vk

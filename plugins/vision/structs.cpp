#include "plugins/vision/structs.h"

#include <algorithm>

namespace sac::vision {

Status check_struct(const void *given, uint32_t type, size_t known, const char *name, Chain chain) {
    if (!given) return Error(Code::invalid_argument, format("%s is null", name));
    StructHeader header;
    std::memcpy(&header, given, sizeof header);
    if (header.type != type)
        return Error(Code::invalid_argument, format("%s.type is %u, %u was expected", name, header.type, type));
    if (header.size < known || header.size > longest_struct)
        return Error(Code::invalid_argument,
                     format("%s.size is %u, the struct known here has %zu bytes", name, header.size, known));
    if (header.next && chain == Chain::refused) {
        uint32_t next_type = 0;
        std::memcpy(&next_type, header.next, sizeof next_type);
        return Error(Code::unsupported,
                     format("%s.next is a struct of type %u, which is not known here", name, next_type));
    }
    const char *bytes = static_cast<const char *>(given);
    if (std::any_of(bytes + known, bytes + header.size, [](char byte) { return byte != 0; }))
        return Error(Code::unsupported,
                     format("%s.size is %u, and what lies beyond the %zu bytes known here is not zero", name,
                            header.size, known));
    return {};
}

void copy_text(char *field, size_t capacity, std::string_view text) {
    if (capacity == 0) return;
    size_t length = std::min(text.size(), capacity - 1);
    if (length < text.size())  // not in the middle of a character
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    std::memcpy(field, text.data(), length);
    std::memset(field + length, 0, capacity - length);
}

}  // namespace sac::vision

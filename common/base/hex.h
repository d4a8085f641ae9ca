#pragma once
// Bytes as lower-case hex digits and back. Pure.

#include <string>
#include <string_view>

namespace banyan {

// Not empty, an even number of 0-9 a-f.
bool is_hex(std::string_view text);
// `text` is_hex().
std::string bytes_of_hex(std::string_view text);
std::string hex_of_bytes(std::string_view bytes);

}  // namespace banyan

#include "common/base/hex.h"

#include "common/base/check.h"

namespace banyan {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

bool is_hex(std::string_view text) {
  return !text.empty() && text.size() % 2 == 0 &&
         text.find_first_not_of(digits) == std::string_view::npos;
}

std::string bytes_of_hex(std::string_view text) {
  CHECK(is_hex(text));
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(digits.find(text[i]) * 16 + digits.find(text[i + 1])));
  }
  return bytes;
}

std::string hex_of_bytes(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += {digits[value / 16], digits[value % 16]};
  }
  return text;
}

}  // namespace banyan

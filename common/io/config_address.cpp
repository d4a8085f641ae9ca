#include "common/io/config_address.h"

#include <algorithm>
#include <optional>

namespace banyan::io {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<unsigned> number_below(std::string_view text, unsigned end) {
  if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit)) {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return value < end ? std::optional{value} : std::nullopt;
}

bool is_host(std::string_view host) {
  const auto right = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
  };
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), right);
}

bool is_ipv4(std::string_view host) {
  int parts = 0;
  while (true) {
    const auto dot = host.find('.');
    if (!number_below(host.substr(0, dot), 256)) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

Result<tree::Address> parse_address(std::string_view text) {
  const auto bad = [] {
    return failure("not an address", {}, {}, "write \"host:7400\" or \"[::1]:7400\"");
  };
  std::string_view host = text;
  std::string_view port;
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const bool many_colons = text.find(':') != colon;
  if (bracketed) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return bad();
    host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || rest.size() == 1)) return bad();
    port = rest.empty() ? rest : rest.substr(1);
  } else if (colon != std::string_view::npos && !many_colons) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return bad();
  }
  tree::Address address{std::string{host}, default_tree_port};
  if (!port.empty()) {
    const auto number = number_below(port, 65536);
    if (!number || *number == 0) return failure("not a port", {}, {}, "write 1 to 65535");
    address.port = static_cast<std::uint16_t>(*number);
  }
  if (!is_host(host)) return bad();
  return address;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return is_ipv4(host) && host.starts_with("127.");
}

}  // namespace banyan::io

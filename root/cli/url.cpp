#include "root/cli/url.h"

#include <fmt/format.h>

namespace banyan::cli {

namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::string shown(text);
  constexpr std::string_view unix_scheme = "unix://";
  if (text.substr(0, unix_scheme.size()) == unix_scheme) {
    const std::string path(text.substr(unix_scheme.size()));
    if (path.empty() || path.front() != '/') {
      return failure("not a URL", shown, "a socket needs an absolute path", "unix:///path");
    }
    return Address{"http://localhost", path, shown};
  }
  std::string base(text);
  if (text.find("://") == std::string_view::npos) base = "http://" + base;
  while (!base.empty() && base.back() == '/') base.pop_back();
  const bool http = base.rfind("http://", 0) == 0 && base.size() > 7;
  const bool https = base.rfind("https://", 0) == 0 && base.size() > 8;
  if (!http && !https) {
    return failure("not a URL", shown, "expected http://HOST:PORT or unix:///path");
  }
  return Address{base, "", base};
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string with_query(std::string_view path, const Query& query) {
  std::string out(path);
  char separator = '?';
  for (const auto& [key, value] : query) {
    if (value.empty()) continue;
    out += separator + key + "=" + percent_encode(value);
    separator = '&';
  }
  return out;
}

std::string join_selectors(const std::vector<std::string>& selectors,
                           const std::vector<std::string>& labels) {
  std::string out;
  for (const std::string& selector : selectors) out += (out.empty() ? "" : ",") + selector;
  for (const std::string& label : labels) out += (out.empty() ? "-l " : " -l ") + label;
  return out;
}

}  // namespace banyan::cli

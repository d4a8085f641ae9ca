#include "common/io/http_guard.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace banyan::io {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_loopback(const std::string& host) {
  const std::string_view suffix = ".localhost";
  if (host == "localhost") return true;
  if (host.size() > suffix.size() &&
      host.compare(host.size() - suffix.size(), suffix.size(), suffix) == 0) {
    return true;
  }
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

}  // namespace

Authority split_authority(std::string_view text) {
  Authority authority;
  const auto bracket = text.find(']');
  if (!text.empty() && text.front() == '[' && bracket != std::string_view::npos) {
    authority.host = lower(text.substr(1, bracket - 1));
    text.remove_prefix(bracket + 1);
    if (!text.empty() && text.front() == ':') authority.port = std::string(text.substr(1));
    return authority;
  }
  const auto colon = text.rfind(':');
  authority.host = lower(text.substr(0, colon));
  if (colon != std::string_view::npos) authority.port = std::string(text.substr(colon + 1));
  return authority;
}

bool is_allowed_host(std::string_view header, const std::vector<std::string>& allowed) {
  const Authority wanted = split_authority(header);
  if (is_loopback(wanted.host)) return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
    const bool bare_v6 = std::count(entry.begin(), entry.end(), ':') > 1 && entry.front() != '[';
    const Authority known = bare_v6 ? Authority{lower(entry), ""} : split_authority(entry);
    return known.host == wanted.host && (known.port.empty() || known.port == wanted.port);
  });
}

bool is_foreign_origin(std::string_view origin, std::string_view host) {
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return true;
  const std::string default_port = origin.substr(0, scheme_end) == "https" ? "443" : "80";
  Authority from = split_authority(origin.substr(scheme_end + 3));
  Authority to = split_authority(host);
  if (from.port.empty()) from.port = default_port;
  if (to.port.empty()) to.port = default_port;
  return from.host != to.host || from.port != to.port;
}

}  // namespace banyan::io

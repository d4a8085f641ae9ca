#include "common/io/http_answer.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "common/io/clock.h"

namespace banyan::io {
namespace {

constexpr std::string_view security_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";

struct Reason {
  int status;
  std::string_view text;
};
constexpr std::array<Reason, 27> reasons{{{200, "OK"},
                                          {201, "Created"},
                                          {202, "Accepted"},
                                          {204, "No Content"},
                                          {206, "Partial Content"},
                                          {301, "Moved Permanently"},
                                          {302, "Found"},
                                          {304, "Not Modified"},
                                          {307, "Temporary Redirect"},
                                          {308, "Permanent Redirect"},
                                          {400, "Bad Request"},
                                          {401, "Unauthorized"},
                                          {403, "Forbidden"},
                                          {404, "Not Found"},
                                          {405, "Method Not Allowed"},
                                          {408, "Request Timeout"},
                                          {409, "Conflict"},
                                          {410, "Gone"},
                                          {413, "Content Too Large"},
                                          {415, "Unsupported Media Type"},
                                          {421, "Misdirected Request"},
                                          {422, "Unprocessable Content"},
                                          {429, "Too Many Requests"},
                                          {431, "Request Header Fields Too Large"},
                                          {500, "Internal Server Error"},
                                          {503, "Service Unavailable"},
                                          {504, "Gateway Timeout"}}};

std::string_view reason_of(int status) {
  for (const Reason& reason : reasons) {
    if (reason.status == status) return reason.text;
  }
  return "Status";
}

std::string date_now() {
  const std::time_t now = static_cast<std::time_t>(wall_ms(read_clock().wall) / 1000);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, size);
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != b[i]) return false;
  }
  return true;
}

bool is_ours(std::string_view name) {
  for (const std::string_view own :
       {"content-length", "transfer-encoding", "connection", "date", "content-security-policy",
        "x-content-type-options", "referrer-policy"}) {
    if (same_name(name, own)) return true;
  }
  return false;
}

std::string one_line(std::string_view value) {
  std::string out(value);
  for (char& c : out) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return out;
}

}  // namespace

std::string write_head(const AnswerHead& head, const tree::HttpHeaders& headers) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", head.status,
                                reason_of(head.status), date_now());
  bool cache_control = false;
  for (const auto& [name, value] : headers) {
    if (is_ours(name)) continue;
    cache_control = cache_control || same_name(name, "cache-control");
    out += fmt::format("{}: {}\r\n", one_line(name), one_line(value));
  }
  if (!cache_control) out += "Cache-Control: no-store\r\n";
  out += security_headers;
  switch (head.framing) {
    case Framing::length:
      out += fmt::format("Content-Length: {}\r\n", head.length);
      break;
    case Framing::chunked:
      out += "Transfer-Encoding: chunked\r\n";
      break;
    case Framing::until_close:
    case Framing::none:
      break;
  }
  out += head.close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  return out;
}

std::string problem_body(const Problem& problem) {
  std::string body = fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}")",
                                 reason_of(problem.status), problem.status, problem.detail);
  if (!problem.hint.empty()) body += fmt::format(R"(,"hint":"{}")", problem.hint);
  return body + "}\n";
}

std::string write_problem(const Problem& problem) {
  const std::string body = problem_body(problem);
  const AnswerHead head{problem.status, Framing::length, body.size(), true};
  return write_head(head, {{"Content-Type", "application/problem+json"}}) + body;
}

}  // namespace banyan::io

#pragma once
// The bytes of an HTTP/1.1 answer's head, and the answers that the server gives by itself.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/tree/http_event.h"

namespace banyan::io {

enum class Framing {
  length,       // content-length
  chunked,      // transfer-encoding: chunked
  until_close,  // HTTP/1.0: the end of the connection ends the body
  none,         // 204, 304
};

struct AnswerHead {
  int status = 200;
  Framing framing = Framing::length;
  std::size_t length = 0;
  bool close = false;
};

// Everything up to the empty line. Of `headers`, those that frame the message are left out, and
// line breaks in values become spaces; a Cache-Control of their own replaces ours.
std::string write_head(const AnswerHead& head, const tree::HttpHeaders& headers);

struct Problem {
  int status = 400;
  std::string_view detail;
  std::string_view hint;  // may be empty
};
// application/problem+json. The texts are ours and need no escaping.
std::string problem_body(const Problem& problem);
// The whole answer; the connection closes behind it.
std::string write_problem(const Problem& problem);

}  // namespace banyan::io

#pragma once
// What a route answers: a whole answer, a problem (RFC 9457), or nothing yet. Pure values.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/tree/http_event.h"

namespace banyan::view {

struct Answer {
  int status = 200;
  tree::HttpHeaders headers;
  std::string body;
};

struct Problem {
  int status = 400;
  Error error;
  std::vector<std::string> candidates;  // what could have been meant
  tree::HttpHeaders headers;
};

// Nothing: the answer is streamed, or comes later.
using Reply = tl::expected<std::optional<Answer>, Problem>;

inline constexpr const char* json_type = "application/json";

Answer json_answer(std::string body, int status = 200);
Answer text_answer(std::string body, std::string type = "text/plain; charset=utf-8");
Answer problem_answer(const Problem& problem);

inline tl::unexpected<Problem> refuse(int status, Error error,
                                      std::vector<std::string> candidates = {}) {
  return tl::unexpected<Problem>(Problem{status, std::move(error), std::move(candidates), {}});
}
inline tl::unexpected<Problem> bad_request(Error error) { return refuse(400, std::move(error)); }

const char* title_of(int status);  // "Not Found"

}  // namespace banyan::view

#include "common/view/answer.h"

#include <boost/json.hpp>

namespace banyan::view {

Answer json_answer(std::string body, int status) {
  body += '\n';
  return {status, {{"content-type", json_type}, {"cache-control", "no-cache"}}, std::move(body)};
}

Answer text_answer(std::string body, std::string type) {
  return {200, {{"content-type", std::move(type)}, {"cache-control", "no-cache"}}, std::move(body)};
}

const char* title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

Answer problem_answer(const Problem& problem) {
  boost::json::object body;
  body["type"] = "about:blank";
  body["title"] = title_of(problem.status);
  body["status"] = problem.status;
  Error said = problem.error;
  said.hint.clear();
  body["detail"] = said.text();
  if (!problem.error.where.empty()) body["where"] = problem.error.where;
  body["hint"] = problem.error.hint;
  if (!problem.candidates.empty()) {
    boost::json::array candidates;
    for (const auto& candidate : problem.candidates) candidates.emplace_back(candidate);
    body["candidates"] = std::move(candidates);
  }
  Answer answer{problem.status, problem.headers, boost::json::serialize(body) + "\n"};
  answer.headers.emplace_back("content-type", "application/problem+json");
  answer.headers.emplace_back("cache-control", "no-store");
  return answer;
}

}  // namespace banyan::view

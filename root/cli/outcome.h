#pragma once
// How a verb ends: exit codes (binding, see docs/operating.md) and failures a person can act on.
// Pure values. A Failure is printed as "banyan: MESSAGE" and indented, aligned next steps.

#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace banyan::cli {

enum ExitCode : int {
  exit_ok = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_not_so = 3,  // status: not all well; wait: not reached
  exit_no_match = 4,
  exit_unreachable = 5,
  exit_denied = 6,
  exit_unknown = 7,
  exit_configuration = 78,
  exit_interrupted = 130,
};

struct Failure {
  int code = exit_failed;
  std::string message;  // "what (where): why"
  // Label and text; an empty label is a line of its own.
  std::vector<std::pair<std::string, std::string>> steps;
};

template <class T>
using Outcome = tl::expected<T, Failure>;

inline tl::unexpected<Failure> fail(int code, std::string message) {
  return tl::unexpected<Failure>(Failure{code, std::move(message), {}});
}

// All lines, each ended by a newline. Bytes from outside are made visible.
std::string render_failure(const Failure& failure);

}  // namespace banyan::cli

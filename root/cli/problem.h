#pragma once
// What an answer of the API other than 2xx means: exit code, sentence, next steps. Pure.

#include <string>
#include <string_view>

#include "root/cli/outcome.h"

namespace banyan::cli {

// What the person asked for; used to word the hints.
struct Asked {
  std::string verb;  // with its noun: "get targets"
  std::string select;
};

Failure failure_of_answer(long status, std::string_view body, const Asked& asked);
Failure nothing_matched(const Asked& asked);
// No answer at all; `why` as the transport says it.
Failure unreachable(std::string_view url, std::string_view why, const Asked& asked);
int exit_code_of_status(long status);

}  // namespace banyan::cli

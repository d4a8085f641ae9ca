#pragma once
// A command line cut into arguments as a POSIX shell cuts it: blanks separate, '...' is literal,
// "..." keeps blanks and knows \" \\ \$ \` \newline, a backslash outside quotes takes the next
// byte. Nothing is expanded and no shell is run: $HOME, *, | and > are ordinary characters. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace banyan {

// Fails on an unterminated quote or a backslash at the end; `where` of the error is "column N",
// counted from 1. An empty or blank text gives no arguments.
Result<std::vector<std::string>> shell_split(std::string_view text);

}  // namespace banyan

#pragma once
// Small helps for talking with people. Pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banyan {

// The candidate nearest to `word` (insertions, deletions, replacements and swaps of neighbours,
// case ignored), when it is near enough to be a slip of the finger: at most a third of the word's
// length, at least one. The first of equals. Words beyond 64 bytes have no neighbours.
std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string>& candidates);

// Bytes that could command a terminal or cannot be shown become \xNN: control characters (newline
// and tab too), the C1 controls, the marks that turn writing direction, and what is not UTF-8.
// Everything else stays as it is.
std::string visible(std::string_view text);

// True for well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace banyan

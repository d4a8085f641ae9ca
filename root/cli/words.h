#pragma once
// Small pieces of text for people: durations, sizes, plurals, widths, visible control bytes.
// Pure; ages come from the caller's clock.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace banyan::cli {

// Two units at most: 7s, 4m12s, 9h14m, 2d03h, from 3 days 12d. Negative counts as 0.
std::string short_duration(Duration duration);
// count_of(1, "node") = "1 node", count_of(3, "leaf", "leaves") = "3 leaves".
std::string count_of(std::int64_t count, std::string_view one, std::string_view many = {});
// The contract's word as people read it: backing_off -> backing off.
std::string spoken(std::string_view word);

// As banyan::visible (common/base/text.h), but tabs stay. For single lines.
std::string visible(std::string_view text);
// Columns on a terminal: code points of UTF-8.
std::size_t width_of(std::string_view text);
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);
// Cut with an ellipsis; width 0 leaves it whole.
std::string cut(std::string_view text, std::size_t width);
// As a person must type it into a shell: quoted only where needed.
std::string shell_word(std::string_view text);

}  // namespace banyan::cli

#pragma once
// The marks of the terminal: every state has its own shape, word and colour, in this order.
// Pure tables; Style says how much of it the output can show.

#include <string>
#include <string_view>

#include "common/base/time.h"

namespace banyan::cli {

enum class Colour { none, red, green, yellow, magenta, cyan, grey, blue };

struct Style {
  bool colour = false;
  bool ascii = false;
  bool terminal = false;  // cut to the width, fold, show marks in tables
  std::size_t width = 0;  // columns; 0 = never cut
  std::size_t height = 0;
};

// What a renderer is told about the world.
struct View {
  WallTime now{};
  seconds utc_offset{0};
  Style style;
};

struct Mark {
  std::string_view utf8;
  std::string_view ascii;
  Colour colour = Colour::none;
  bool bold = false;

  std::string_view text(const Style& style) const { return style.ascii ? ascii : utf8; }
};

// A node's or target's state word; presumed wins over the word. Unlisted words get `?`.
Mark mark_of_state(std::string_view state, bool presumed = false);
Mark mark_of_health(std::string_view health);
Mark mark_of_outcome(std::string_view outcome);  // done failed rejected unreachable expired unknown
Mark mark_of_event(std::string_view kind);
Mark mark_of_outage(std::string_view kind);

std::string paint(std::string_view text, Colour colour, bool bold, const Style& style);
inline std::string paint(std::string_view text, const Mark& mark, const Style& style) {
  return paint(text, mark.colour, mark.bold, style);
}
// The mark alone, painted.
std::string shown(const Mark& mark, const Style& style);

}  // namespace banyan::cli

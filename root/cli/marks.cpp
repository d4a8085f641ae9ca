#include "root/cli/marks.h"

#include <fmt/format.h>

namespace banyan::cli {

namespace {

constexpr Mark good{"●", "*", Colour::green, false};
constexpr Mark moving{"◔", "+", Colour::cyan, false};
constexpr Mark doubtful{"◐", "~", Colour::yellow, false};
constexpr Mark bad{"✗", "X", Colour::red, true};
constexpr Mark again{"↻", "@", Colour::yellow, true};
constexpr Mark grey_failure{"◆", "%", Colour::magenta, true};
constexpr Mark warning{"!", "!", Colour::yellow, false};
constexpr Mark out_of_reach{"◌", ":", Colour::grey, false};
constexpr Mark open_question{"?", "?", Colour::grey, false};
constexpr Mark gone{"○", "o", Colour::grey, false};
constexpr Mark stopped{"□", "-", Colour::grey, false};
constexpr Mark tick{"✓", "ok", Colour::green, false};

struct Entry {
  std::string_view word;
  Mark mark;
};

constexpr Entry states[] = {
    {"up", good},
    {"running", good},
    {"pending", moving},
    {"starting", moving},
    {"stopping", moving},
    {"suspect", doubtful},
    {"lost", bad},
    {"failed", bad},
    {"backing_off", again},
    {"grey", grey_failure},
    {"unreachable", out_of_reach},
    {"left", gone},
    {"stopped", stopped},
    {"exited", gone},
};

constexpr Entry healths[] = {
    {"healthy", tick}, {"degraded", warning}, {"unhealthy", bad}, {"unknown", open_question}};

constexpr Entry outcomes[] = {
    {"done", tick},
    {"failed", bad},
    {"rejected", {"○", "o", Colour::yellow, false}},
    {"unreachable", out_of_reach},
    {"expired", {"…", ".", Colour::yellow, false}},
    {"unknown", {"?", "?", Colour::magenta, true}},
};

constexpr Entry events[] = {
    {"outage_opened", bad}, {"outage", bad},     {"upgraded", good},      {"started", moving},
    {"joined", good},       {"gap", warning},    {"refused", warning},    {"unhealthy", bad},
    {"healthy", tick},      {"command", good},   {"outage_closed", good}, {"launch_failed", bad},
    {"gave_up", bad},       {"over_limit", bad}, {"watchdog", bad},       {"start_timeout", bad}};

constexpr Entry outages[] = {
    {"crash_loop", again}, {"target_crashing", again}, {"grey_failure", grey_failure}};

template <std::size_t size>
const Mark* find(const Entry (&table)[size], std::string_view word) {
  for (const Entry& entry : table) {
    if (entry.word == word) return &entry.mark;
  }
  return nullptr;
}

int code_of(Colour colour) {
  switch (colour) {
    case Colour::none:
      return 0;
    case Colour::red:
      return 31;
    case Colour::green:
      return 32;
    case Colour::yellow:
      return 33;
    case Colour::blue:
      return 34;
    case Colour::magenta:
      return 35;
    case Colour::cyan:
      return 36;
    case Colour::grey:
      return 90;
  }
  return 0;
}

}  // namespace

Mark mark_of_state(std::string_view state, bool presumed) {
  if (presumed) return out_of_reach;
  const Mark* mark = find(states, state);
  return mark ? *mark : open_question;
}

Mark mark_of_health(std::string_view health) {
  const Mark* mark = find(healths, health);
  return mark ? *mark : open_question;
}

Mark mark_of_outcome(std::string_view outcome) {
  const Mark* mark = find(outcomes, outcome);
  return mark ? *mark : find(outcomes, "unknown")[0];
}

Mark mark_of_event(std::string_view kind) {
  if (const Mark* mark = find(events, kind)) return *mark;
  if (const Mark* mark = find(states, kind)) return *mark;
  return good;
}

Mark mark_of_outage(std::string_view kind) {
  const Mark* mark = find(outages, kind);
  return mark ? *mark : bad;
}

std::string paint(std::string_view text, Colour colour, bool bold, const Style& style) {
  if (!style.colour || text.empty() || (colour == Colour::none && !bold)) return std::string(text);
  if (colour == Colour::none) return fmt::format("\x1b[1m{}\x1b[0m", text);
  return fmt::format("\x1b[{}{}m{}\x1b[0m", bold ? "1;" : "", code_of(colour), text);
}

std::string shown(const Mark& mark, const Style& style) {
  return paint(mark.text(style), mark, style);
}

}  // namespace banyan::cli

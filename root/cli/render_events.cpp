#include "root/cli/render_events.h"

#include <algorithm>

#include <fmt/format.h>

#include "root/cli/facts.h"
#include "root/cli/when.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

struct Line {
  std::string time;
  std::string first;  // time of the first of the folded ones
  std::string kind;
  Mark mark;
  std::string path;
  std::string what;
  std::size_t count = 1;
};

std::string time_text(const json::value& event, const View& view) {
  const auto time = time_at(event, "time");
  if (!time) return "-";
  const std::string clock = clock_text(*time, view.utc_offset);
  if (view.now - *time < std::chrono::hours(20)) return clock;
  return rfc3339(*time + view.utc_offset).substr(5, 5) + " " + clock;
}

std::string what_of(const json::value& event) {
  const std::string text = text_at(event, "text"), exit = exit_text(object_at(event, "data"));
  return text.empty() || (text_at(event, "kind") == "exited" && !exit.empty()) ? exit : text;
}

// An end that nobody asked for by a signal to stop, and not with code 0.
bool ended_badly(const json::value& event) {
  if (text_at(event, "kind") != "exited") return false;
  const json::value& data = object_at(event, "data");
  const std::string signal = text_at(data, "signal");
  if (!signal.empty()) return signal != "TERM" && signal != "INT";
  return integer_at(data, "code") != 0;
}

Line line_of(const json::value& event, const View& view) {
  Line line;
  line.time = time_text(event, view);
  line.first = line.time;
  line.kind = text_at(event, "kind");
  line.mark = ended_badly(event) ? mark_of_state("failed") : mark_of_event(line.kind);
  const std::string path = text_at(event, "path");
  line.path = path.empty() ? "/" : path;
  line.what = what_of(event);
  return line;
}

bool alike(const Line& a, const Line& b) {
  return a.kind == b.kind && a.path == b.path && a.what == b.what;
}

std::string draw(const Line& line, const EventWidths& widths, const View& view) {
  const std::string kind = fmt::format("{} {}", line.mark.text(view.style), spoken(line.kind));
  std::string what = line.what;
  if (line.count > 1) {
    what = fmt::format("{} {} {}, first at {}", line.count, view.style.ascii ? "x" : "×", what,
                       line.first);
  }
  const std::string path = pad_right(line.path, widths.path);
  const std::size_t used = width_of(line.time) + widths.kind + width_of(path) + 6;
  if (view.style.width > used) what = cut(what, view.style.width - used);
  std::string out =
      fmt::format("{}  {}  {}  {}", line.time,
                  paint(pad_right(kind, widths.kind), line.mark, view.style), path, what);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + "\n";
}

void widen(EventWidths& widths, const Line& line) {
  widths.kind = std::max(widths.kind, width_of(line.kind) + 2);
  widths.path = std::max(widths.path, width_of(line.path));
}

}  // namespace

std::string render_events(const json::array& items, bool fold, const View& view) {
  EventWidths widths{6, 4};
  return render_events(items, fold, widths, view);
}

std::string render_events(const json::array& items, bool fold, EventWidths& widths,
                          const View& view) {
  std::vector<Line> lines;
  std::size_t time_width = 8;
  for (std::size_t i = items.size(); i > 0; --i) {
    Line line = line_of(items[i - 1], view);
    widen(widths, line);
    time_width = std::max(time_width, width_of(line.time));
    if (fold && !lines.empty() && alike(lines.back(), line)) {
      lines.back().time = line.time;
      ++lines.back().count;
    } else {
      lines.push_back(std::move(line));
    }
  }
  if (lines.empty()) return {};
  std::string out = fmt::format("{}  {}  {}  WHAT\n", pad_right("TIME", time_width),
                                pad_right("KIND", widths.kind), pad_right("PATH", widths.path));
  for (Line& line : lines) {
    line.time = pad_left(line.time, time_width);
    out += draw(line, widths, view);
  }
  return out;
}

std::string render_event(const json::value& event, EventWidths& widths, const View& view) {
  const Line line = line_of(event, view);
  widen(widths, line);
  return draw(line, widths, view);
}

}  // namespace banyan::cli

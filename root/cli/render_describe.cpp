#include "root/cli/render_describe.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/base/units.h"
#include "root/cli/facts.h"
#include "root/cli/render_events.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t label_width = 12;

std::string headline(const json::value& item, const View& view) {
  const Shown state = shown_state(item);
  const std::string age = age_at(item, "since", view.now), reason = reason_of(item);
  std::string out = fmt::format("{} {}   {}", shown(state.mark, view.style),
                                paint(text_at(item, "path"), Colour::none, true, view.style),
                                paint(state.word, state.mark, view.style));
  if (age != "-") out += " for " + age;
  if (flag_at(item, "presumed")) {
    out += ", presumed: last known " + age_at(item, "as_of", view.now) + " ago";
  }
  return out + (reason.empty() ? "" : ", " + reason) + "\n";
}

void add(Facts& facts, const char* label, std::string text) {
  if (!text.empty() && text != "0" && text != "-") facts.emplace_back(label, std::move(text));
}

std::string generation_text(const json::value& item) {
  const std::string generation = text_at(item, "generation");
  if (generation.empty()) return {};
  return fmt::format("{} ({})", generation, count_of(integer_at(item, "restarts"), "restart"));
}

std::string size_text(double bytes) { return format_size(static_cast<std::uint64_t>(bytes)); }

std::string memory_text(const json::value& item) {
  const auto memory = number_at(item, "rss_bytes");
  return memory ? size_text(*memory) : "";
}

std::string targets_text(const json::value& item) {
  const json::value& counts = object_at(item, "counts");
  const TargetCounts targets =
      target_counts(member(counts, "targets") ? object_at(counts, "targets") : counts);
  if (targets.total == 0) return {};
  std::string out = fmt::format("{} of {} as wanted", targets.wanted, targets.total);
  if (targets.presumed > 0) out += fmt::format(", {} presumed", targets.presumed);
  return out;
}

// What that run used, where it is known.
std::string used_text(const json::value& last) {
  std::string out;
  if (flag_at(last, "core")) out += ", core dumped";
  if (flag_at(last, "oom")) out += ", killed for want of memory";
  const auto ran = number_at(last, "ran_ms");
  if (ran) out += ", ran " + short_duration(milliseconds{static_cast<std::int64_t>(*ran)});
  const auto memory = number_at(last, "max_rss_bytes");
  if (!memory) return out;
  const double cpu_ms =
      number_at(last, "user_ms").value_or(0) + number_at(last, "system_ms").value_or(0);
  return out + fmt::format(", cpu {:.2f}s, at most {}", cpu_ms / 1000, size_text(*memory));
}

std::string cpu_text(const json::value& item) {
  const auto cpu = number_at(item, "cpu");
  return cpu ? fmt::format("{:.1f} %", *cpu * 100) : "";
}

std::string load_text(const json::value& item) {
  const json::value& load = object_at(item, "load");
  const auto one = number_at(load, "load1");
  if (!one) return {};
  return fmt::format("{:.2f} {:.2f} {:.2f} on {}", *one, number_at(load, "load5").value_or(0),
                     number_at(load, "load15").value_or(0),
                     count_of(integer_at(load, "cpus"), "CPU"));
}

std::string rtt_text(const json::value& item) {
  const auto rtt = number_at(item, "rtt_ms");
  return rtt ? fmt::format("{:.2f} ms", *rtt) : "";
}

std::string last_exit_text(const json::value& item, WallTime now) {
  const json::value& last = object_at(item, "last_exit");
  const std::string how = exit_text(last), age = age_at(last, "at", now);
  return how.empty() || age == "-" ? how : how + ", " + age + " ago" + used_text(last);
}

Facts facts_of(const json::value& item, const View& view) {
  Facts facts;
  add(facts, "role", text_at(item, "role"));
  add(facts, "state", spoken(text_at(item, "state")));
  add(facts, "health", text_at(item, "health"));
  add(facts, "generation", generation_text(item));
  add(facts, "pid", text_at(item, "pid"));
  add(facts, "cpu", cpu_text(item));
  add(facts, "memory", memory_text(item));
  add(facts, "open files", text_at(item, "open_fds"));
  add(facts, "processes", text_at(item, "processes"));
  add(facts, "last exit", last_exit_text(item, view.now));
  add(facts, "command", text_at(item, "command"));
  if (const auto next = time_at(item, "next_try"); next && *next > view.now) {
    add(facts, "next try", "in " + short_duration(*next - view.now));
  }
  add(facts, "targets", targets_text(item));
  add(facts, "children", text_at(item, "children"));
  add(facts, "host", text_at(item, "host"));
  add(facts, "load", load_text(item));
  add(facts, "round trip", rtt_text(item));
  add(facts, "version", text_at(item, "version"));
  add(facts, "instance", text_at(item, "instance_id"));
  add(facts, "labels", labels_text(item));
  add(facts, "no gauges", text_at(item, "gauges_missing"));
  return facts;
}

std::string evidence_lines(const json::value& item, const View& view) {
  std::string out;
  for (const json::value& evidence : array_at(item, "evidence")) {
    out += fmt::format("{}{}\n", pad_right(out.empty() ? "evidence" : "", label_width + 1),
                       evidence_line(evidence, view));
  }
  return out;
}

}  // namespace

std::string render_describe(const json::value& item, const json::array& events,
                            std::string_view log, const View& view) {
  std::string out = headline(item, view) + "\n";
  for (const auto& [label, text] : facts_of(item, view)) {
    out += fmt::format("{} {}\n", pad_right(label, label_width), text);
  }
  out += evidence_lines(item, view);
  if (!events.empty()) out += "\n" + render_events(events, true, view);
  if (!log.empty()) out += fmt::format("\nlog\n{}", log);
  return out;
}

}  // namespace banyan::cli

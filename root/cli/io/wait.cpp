// wait: looks at most four times a second, until all selected are as wanted or the time is up.

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"
#include "root/cli/facts.h"
#include "root/cli/io/verbs.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr Duration look_every = milliseconds{250};
constexpr Duration default_timeout = seconds{30};

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* known) { return word == known; });
}

class Waiting {
 public:
  explicit Waiting(Session& session)
      : session_(session),
        wanted_(session.arguments.act.wanted),
        timeout_(session.arguments.timeout.value_or(default_timeout)),
        began_(boot_time()) {
    std::replace(wanted_.begin(), wanted_.end(), ' ', '_');
  }

  Outcome<int> run();

 private:
  // Nothing = not yet.
  Outcome<bool> look();
  bool holds(const json::value& item) const;
  bool is_health() const {
    return is_one_of(wanted_, {"healthy", "degraded", "unhealthy", "unknown"});
  }
  bool is_node_state() const {
    return is_one_of(wanted_, {"up", "suspect", "lost", "left", "unreachable"});
  }
  std::string took() const {
    return fmt::format("{:.1f} s", std::chrono::duration<double>(boot_time() - began_).count());
  }
  void show_progress();
  void say_reached();
  int say_missed();

  Session& session_;
  std::string wanted_;
  Duration timeout_;
  Time began_;
  json::array items_;
};

bool Waiting::holds(const json::value& item) const {
  if (is_health()) return text_at(item, "health") == wanted_;
  return text_at(item, "state") == wanted_ && !flag_at(item, "presumed");
}

Outcome<bool> Waiting::look() {
  const char* path = is_node_state() ? "/api/v1/nodes" : "/api/v1/targets";
  std::string select = session_.select;
  // What left matches nothing else.
  if (wanted_ == "left") select += " @left";
  auto items = session_.api.list(path, {{"select", select}});
  if (!items) return tl::unexpected(items.error());
  items_ = *std::move(items);
  return !items_.empty() &&
         std::all_of(items_.begin(), items_.end(), [&](const auto& item) { return holds(item); });
}

void Waiting::show_progress() {
  const auto reached =
      std::count_if(items_.begin(), items_.end(), [&](const auto& item) { return holds(item); });
  session_.terminal.progress(fmt::format(
      "waiting for {} to be {}: {}  {}", is_node_state() ? "nodes" : "targets", spoken(wanted_),
      fmt::format("{} of {}", reached, items_.size()), short_duration(boot_time() - began_)));
}

void Waiting::say_reached() {
  const View view = session_.terminal.view();
  session_.terminal.progress("");
  const std::string who = items_.size() == 1 ? text_at(items_.front(), "path") + " is"
                                             : fmt::format("all {}", items_.size());
  session_.terminal.write(fmt::format("{} {} {} after {}\n", shown(mark_of_state("up"), view.style),
                                      who, spoken(wanted_), took()));
}

int Waiting::say_missed() {
  const View view = session_.terminal.view();
  session_.terminal.progress("");
  const auto missing =
      std::count_if(items_.begin(), items_.end(), [&](const auto& item) { return !holds(item); });
  std::string out =
      fmt::format("{} {} of {} not {} after {}\n", shown(mark_of_state("failed"), view.style),
                  missing, items_.size(), spoken(wanted_), took());
  constexpr int most = 10;
  int shown_items = 0;
  for (const json::value& item : items_) {
    if (holds(item) || ++shown_items > most) continue;
    const Shown state = shown_state(item);
    const std::string reason = reason_of(item);
    out +=
        fmt::format("  {}  {} {}{}{}\n", text_at(item, "path"), shown(state.mark, view.style),
                    paint(state.word, state.mark, view.style), reason.empty() ? "" : ", ", reason);
  }
  session_.terminal.write(out);
  return exit_not_so;
}

// A root that is not there yet and a name that nobody has yet are waited for as well; an ambiguous
// name, a refusal and bad usage are not.
Outcome<int> Waiting::run() {
  for (;;) {
    auto reached = look();
    if (reached && *reached) {
      say_reached();
      return exit_ok;
    }
    const int code = reached ? exit_ok : reached.error().code;
    const bool may_change = is_one_of(std::to_string(code), {"0", "4", "5"});
    const bool ambiguous =
        !reached && reached.error().message.find("not unique") != std::string::npos;
    if (!may_change || ambiguous) return tl::unexpected(reached.error());
    if (boot_time() - began_ >= timeout_) {
      if (!reached) return tl::unexpected(reached.error());
      if (items_.empty()) return tl::unexpected(session_.api.why_nothing());
      return say_missed();
    }
    show_progress();
    if (!pause_for(look_every)) return exit_interrupted;
  }
}

// Else it would wait in vain.
Outcome<bool> check_wanted(std::string word) {
  std::replace(word.begin(), word.end(), ' ', '_');
  const std::vector<std::string> words{
      "up",       "suspect", "lost",     "left",      "unreachable", "pending",
      "starting", "running", "stopping", "stopped",   "backing_off", "exited",
      "failed",   "healthy", "degraded", "unhealthy", "unknown"};
  if (std::find(words.begin(), words.end(), word) != words.end()) return true;
  Failure failure{exit_usage, fmt::format("--for \"{}\": not a state", word), {}};
  const auto near = did_you_mean(word, words);
  if (near) failure.steps.emplace_back("did you mean", "--for " + *near);
  failure.steps.emplace_back("all of them", fmt::format("{}", fmt::join(words, " ")));
  return tl::unexpected(failure);
}

}  // namespace

Outcome<int> run_wait(Session& session) {
  if (session.select.empty()) {
    Failure failure{exit_usage, "say what to wait for: a path, a name or a selector", {}};
    failure.steps.emplace_back("everything", "banyan wait '**' --for running");
    return tl::unexpected(failure);
  }
  const auto known = check_wanted(session.arguments.act.wanted);
  if (!known) return tl::unexpected(known.error());
  return Waiting(session).run();
}

}  // namespace banyan::cli

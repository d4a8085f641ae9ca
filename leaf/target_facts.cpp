#include "leaf/target_facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"
#include "common/base/units.h"

namespace banyan::leaf {
namespace {

v1::Health wire_health(Health health) {
  switch (health) {
    case Health::healthy:
      return v1::HEALTH_HEALTHY;
    case Health::degraded:
      return v1::HEALTH_DEGRADED;
    case Health::unhealthy:
      return v1::HEALTH_UNHEALTHY;
    case Health::unknown:
      return v1::HEALTH_UNKNOWN;
  }
  return v1::HEALTH_UNKNOWN;
}

v1::LastExit wire_exit(const LastExit& exit) {
  v1::LastExit fact;
  fact.set_code(exit.code);
  fact.set_signal(exit.signal);
  fact.set_core(exit.core);
  fact.set_oom(exit.oom);
  fact.set_unknown(exit.unknown);
  fact.set_at_ms(wall_ms(exit.at));
  fact.set_ran_ms(exit.ran_ms);
  fact.set_user_ms(exit.used.user_ms);
  fact.set_system_ms(exit.used.system_ms);
  fact.set_max_rss_bytes(exit.used.max_rss_bytes);
  return fact;
}

bool succeeded(const TargetStatus& status, const TargetConfig& config) {
  if (!status.last_exit || status.last_exit->signal != 0) return false;
  const auto& codes = config.success_codes;
  return std::find(codes.begin(), codes.end(), status.last_exit->code) != codes.end();
}

// Strangers' words, as the wire has them: short, and UTF-8.
std::string brief(const std::string& text) { return visible(text.substr(0, 1024)); }

std::string joined(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
  return visible(text.substr(0, 1024));  // also what is not UTF-8: the wire takes nothing else
}

v1::Event make(const std::string& kind, const std::string& target, const std::string& text,
               Now now) {
  v1::Event event;
  event.set_time_ms(wall_ms(now.wall));
  event.set_kind(kind);
  event.set_subject(target);
  event.set_text(visible(text));
  event.set_data("{}");
  return event;
}

template <class Notice>
v1::Event about(const std::string& kind, const Notice& notice, std::string text, Now now) {
  v1::Event event = make(kind, notice.target, std::move(text), now);
  event.set_data(fmt::format(R"({{"generation":{}}})", notice.generation));
  return event;
}

// Nothing when it is not known: any process that ran had memory.
std::string usage_members(const RunUsage& used) {
  if (used.max_rss_bytes == 0) return {};
  return fmt::format(R"(,"user_ms":{},"system_ms":{},"max_rss_bytes":{})", used.user_ms,
                     used.system_ms, used.max_rss_bytes);
}

v1::Event exited(const RunEnded& ended, Now now) {
  const LastExit& exit = ended.exit;
  v1::Event event = make("exited", ended.target, describe_exit(exit), now);
  event.set_time_ms(wall_ms(exit.at));
  const bool has_code = exit.signal == 0 && !exit.unknown;
  const std::string code = has_code ? std::to_string(exit.code) : "null";
  const std::string signal = exit.signal == 0 ? "null" : "\"" + signal_name(exit.signal) + "\"";
  event.set_data(fmt::format(
      R"({{"code":{},"signal":{},"core":{},"ran_ms":{},"generation":{},"oom":{}{}}})", code, signal,
      exit.core, exit.ran_ms, ended.generation, exit.oom, usage_members(exit.used)));
  return event;
}

v1::Event gave_up_event(const GaveUp& gave_up, Now now) {
  v1::Event event = make("gave_up", gave_up.target, gave_up.text, now);
  const bool has_code = gave_up.last && gave_up.last->signal == 0 && !gave_up.last->unknown;
  const bool has_signal = gave_up.last && gave_up.last->signal != 0;
  event.set_data(
      fmt::format(R"({{"generation":{},"restarts":{},"period_ms":{},"code":{},"signal":{}}})",
                  gave_up.generation, gave_up.restarts, gave_up.period / milliseconds{1},
                  has_code ? std::to_string(gave_up.last->code) : "null",
                  has_signal ? "\"" + signal_name(gave_up.last->signal) + "\"" : "null"));
  return event;
}

bool is_exit_told(const std::vector<v1::HeldEvents>& earlier, const std::string& target,
                  std::uint64_t generation) {
  const std::string member = fmt::format(R"("generation":{},)", generation);  // of exited()
  for (const v1::HeldEvents& stream : earlier) {
    for (const v1::Event& event : stream.events()) {
      const bool same = event.kind() == "exited" && event.subject() == target &&
                        event.data().find(member) != std::string::npos;
      if (same) return true;
    }
  }
  return false;
}

}  // namespace

v1::TargetState wire_state(TargetState state) {
  switch (state) {
    case TargetState::pending:
      return v1::TARGET_STATE_PENDING;
    case TargetState::starting:
      return v1::TARGET_STATE_STARTING;
    case TargetState::running:
      return v1::TARGET_STATE_RUNNING;
    case TargetState::stopping:
      return v1::TARGET_STATE_STOPPING;
    case TargetState::stopped:
      return v1::TARGET_STATE_STOPPED;
    case TargetState::backing_off:
      return v1::TARGET_STATE_BACKING_OFF;
    case TargetState::exited:
      return v1::TARGET_STATE_EXITED;
    case TargetState::failed:
      return v1::TARGET_STATE_FAILED;
  }
  return v1::TARGET_STATE_UNSPECIFIED;
}

TargetState state_of(v1::TargetState state) {
  for (int number = 0; number <= static_cast<int>(TargetState::failed); ++number) {
    const auto candidate = static_cast<TargetState>(number);
    if (wire_state(candidate) == state) return candidate;
  }
  return TargetState::pending;
}

v1::TargetFact target_fact(const TargetStatus& status, const TargetConfig& config, bool wanted,
                           std::int64_t log_tail) {
  v1::TargetFact fact;
  fact.set_group(config.group);
  fact.set_state(wire_state(status.state));
  fact.set_since_ms(wall_ms(status.since));
  fact.set_generation(status.generation);
  fact.set_pid(status.pid);
  fact.set_restarts(status.restarts);
  if (status.last_exit) {
    *fact.mutable_last_exit() = wire_exit(*status.last_exit);
  }
  fact.set_error(visible(status.error));
  fact.set_command(joined(config.command));
  for (const auto& [key, value] : config.labels) (*fact.mutable_labels())[key] = visible(value);
  const bool over = status.state == TargetState::exited;
  // Between its runs a scheduled target is as it should be, unless the last one failed.
  const bool awaits_run =
      config.schedule && status.state == TargetState::pending && status.error.empty();
  fact.set_wanted(over ? !succeeded(status, config) : wanted && !awaits_run);
  if (status.next_try) fact.set_next_try_ms(wall_ms(*status.next_try));
  if (status.health) fact.set_health(wire_health(*status.health));
  fact.set_health_text(brief(status.health_text));
  fact.set_status_text(brief(status.status_text));
  if (log_tail > 0) fact.set_bufsize(static_cast<std::uint32_t>(log_tail));
  return fact;
}

std::optional<v1::Event> event_of(const TargetNotice& notice, Now now) {
  if (const auto* ended = std::get_if<RunEnded>(&notice)) return exited(*ended, now);
  if (const auto* started = std::get_if<RunStarted>(&notice)) {
    v1::Event event = make("started", started->target, fmt::format("pid {}", started->pid), now);
    event.set_data(
        fmt::format(R"({{"pid":{},"generation":{}}})", started->pid, started->generation));
    return event;
  }
  if (const auto* adopted = std::get_if<RunAdopted>(&notice)) {
    v1::Event event = make("adopted", adopted->target, fmt::format("pid {}", adopted->pid), now);
    event.set_data(
        fmt::format(R"({{"pid":{},"generation":{}}})", adopted->pid, adopted->generation));
    return event;
  }
  if (const auto* refused = std::get_if<LaunchRefused>(&notice)) {
    v1::Event event = make("launch_failed", refused->target, refused->text, now);
    event.set_data(fmt::format(R"({{"errno":{},"generation":{}}})", refused->error_number,
                               refused->generation));
    return event;
  }
  if (const auto* gave_up = std::get_if<GaveUp>(&notice)) {
    return gave_up_event(*gave_up, now);
  }
  if (const auto* failed = std::get_if<InstanceFailed>(&notice)) {
    v1::Event event = make(failed->kind, failed->target, brief(failed->text), now);
    event.set_data(fmt::format(R"({{"generation":{}{}{}}})", failed->generation,
                               failed->data.empty() ? "" : ",", failed->data));
    return event;
  }
  if (const auto* along = std::get_if<RestartedAlong>(&notice)) {
    return about("restarted_along", *along, "with " + along->with, now);
  }
  if (const auto* health = std::get_if<HealthChanged>(&notice)) {
    const auto word = std::string{health_name(health->health)};
    return about("health", *health, health->text.empty() ? word : word + ": " + brief(health->text),
                 now);
  }
  if (const auto* skipped = std::get_if<RunSkipped>(&notice)) {
    return make("run_skipped", skipped->target, fmt::format("still {}", state_name(skipped->state)),
                now);
  }
  if (const auto* stuck = std::get_if<SubtreeStuck>(&notice)) {
    v1::Event event = make("unkillable", stuck->target,
                           fmt::format("{} processes outlive KILL", stuck->unkillable), now);
    event.set_data(
        fmt::format(R"({{"processes":{},"generation":{}}})", stuck->unkillable, stuck->generation));
    return event;
  }
  return std::nullopt;
}

std::set<std::pair<std::string, std::uint64_t>> told_exits(
    const std::vector<v1::HeldEvents>& earlier, const Legacy& legacy) {
  std::set<std::pair<std::string, std::uint64_t>> told;
  const auto add = [&](const auto& run) {
    if (is_exit_told(earlier, run.target, run.generation)) told.emplace(run.target, run.generation);
  };
  for (const AdoptedRun& run : legacy.runs) add(run);
  for (const EndedRun& run : legacy.ended) add(run);
  return told;
}

std::optional<TargetMemory> memory_of(const TargetNotice& notice) {
  const auto* changed = std::get_if<StateChanged>(&notice);
  if (changed == nullptr) return std::nullopt;
  const TargetStatus& now = changed->now;
  const bool no_news = now.state == TargetState::pending || now.state == TargetState::running ||
                       now.state == TargetState::stopping;
  if (no_news && !changed->recounted) return std::nullopt;
  return TargetMemory{now.name, now.generation, now.restarts, now.last_exit};
}

v1::Event scale_event(const GroupScaled& scaled, Now now) {
  v1::Event event = make("scaled", scaled.group,
                         fmt::format("{} -> {} instances", scaled.before, scaled.instances), now);
  event.set_data(fmt::format(R"({{"before":{},"instances":{}}})", scaled.before, scaled.instances));
  return event;
}

v1::Event reload_event(const ReconfigureResult& result, Now now) {
  v1::Event event = make("reloaded", "",
                         fmt::format("added={} removed={} restarted={} changed={}", result.added,
                                     result.removed, result.replaced, result.adopted),
                         now);
  event.set_data(fmt::format(R"({{"added":{},"removed":{},"restarted":{},"changed":{}}})",
                             result.added, result.removed, result.replaced, result.adopted));
  return event;
}

std::optional<tree::WriteLog> log_line_of(const TargetNotice& notice) {
  if (const auto* adopted = std::get_if<RunAdopted>(&notice)) {
    return tree::WriteLog{tree::LogLevel::info,
                          fmt::format("target={} adopted pid={} generation={}", adopted->target,
                                      adopted->pid, adopted->generation)};
  }
  const auto* changed = std::get_if<StateChanged>(&notice);
  if (changed == nullptr || changed->now.state == changed->was) return std::nullopt;
  const TargetStatus& now = changed->now;
  std::string text = fmt::format("target={} state={} was={}", now.name, state_name(now.state),
                                 state_name(changed->was));
  if (now.pid != 0) text += fmt::format(" pid={} generation={}", now.pid, now.generation);
  const bool ended = now.state == TargetState::backing_off || now.state == TargetState::exited ||
                     now.state == TargetState::failed;
  if (ended && now.last_exit) text += " " + describe_exit(*now.last_exit);
  if (!now.error.empty()) text += " reason=\"" + now.error + "\"";
  const bool bad = now.state == TargetState::failed;
  return tree::WriteLog{bad ? tree::LogLevel::error : tree::LogLevel::info, std::move(text)};
}

}  // namespace banyan::leaf

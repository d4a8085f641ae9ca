#include "leaf/target_checks.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/units.h"

namespace banyan::leaf {
namespace {

bool is_repeated(CheckKind kind) {
  return kind == CheckKind::exec || kind == CheckKind::tcp || kind == CheckKind::http;
}

std::string with(std::string text, const std::string& more) {
  return more.empty() ? text : text + ": " + more;
}

}  // namespace

Duration extension_of(const Notified& said) {
  constexpr std::int64_t longest = std::chrono::milliseconds{std::chrono::hours{24}}.count();
  return milliseconds{std::clamp<std::int64_t>(said.extend_ms, 0, longest)};
}

CheckVerdict TargetChecks::begin(std::uint64_t generation, Now now, SupervisorEffects& effects) {
  generation_ = generation;
  said_.clear();
  doing_ = Doing::nothing;
  const auto kind = config_.ready.check.kind;
  if (kind == CheckKind::none) return {CheckVerdict::Kind::ready, {}};
  phase_ = Phase::readying;
  last_text_.clear();
  give_up_at_ = after(now.time, config_.ready.timeout);
  if (kind != CheckKind::notify) run(CheckPurpose::ready, now, effects);
  return {};
}

void TargetChecks::resume(std::uint64_t generation, Now now) {
  generation_ = generation;
  said_.clear();
  doing_ = Doing::nothing;
  watch(now);
}

void TargetChecks::watch(Now now) {
  phase_ = Phase::watching;
  open_ = false;
  failures_ = 0;
  give_up_at_ = never;
  const bool checked = config_.health.check.kind != CheckKind::none;
  const bool watched = config_.watchdog > Duration::zero();
  try_at_ = checked ? after(now.time, config_.health.delay) : never;
  watchdog_at_ = watched ? after(now.time, config_.watchdog) : never;
  health_.reset();
  if (watched) health_ = Health::healthy;
  if (checked) health_ = Health::unknown;
  health_text_.clear();
}

void TargetChecks::end(SupervisorEffects& effects) {
  if (phase_ == Phase::off) return;
  phase_ = Phase::off;
  if (asked_) effects.check(CancelChecks{config_.name, generation_});
  asked_ = false;
  open_ = false;
  stop_watching();
  give_up_at_ = never;
  health_.reset();
  health_text_.clear();
  said_.clear();
  doing_ = Doing::nothing;
}

CheckVerdict TargetChecks::renew(Now now, SupervisorEffects& effects) {
  const bool stopping = doing_ == Doing::stopping;
  if (phase_ == Phase::off || stopping) return {};
  if (asked_) effects.check(CancelChecks{config_.name, generation_});
  asked_ = false;
  open_ = false;
  if (phase_ == Phase::readying) {
    auto said = std::move(said_);
    auto verdict = begin(generation_, now, effects);
    said_ = std::move(said);
    return verdict;
  }
  watch(now);
  return {};
}

void TargetChecks::run(CheckPurpose purpose, Now now, SupervisorEffects& effects) {
  const bool ready = purpose == CheckPurpose::ready;
  const auto& check = ready ? config_.ready.check : config_.health.check;
  const auto every = ready ? config_.ready.every : config_.health.every;
  asked_ = true;
  open_ = true;
  try_at_ = ready && !is_repeated(check.kind) ? never : after(now.time, every);
  effects.check(RunCheck{config_.name, generation_, purpose, check});
}

void TargetChecks::stop_watching() {
  try_at_ = never;
  watchdog_at_ = never;
}

CheckVerdict TargetChecks::handle(const CheckResult& result) {
  const auto purpose = phase_ == Phase::readying ? CheckPurpose::ready : CheckPurpose::health;
  const bool late = phase_ == Phase::off || !open_ || result.generation != generation_ ||
                    result.purpose != purpose;
  if (late) return {};
  open_ = false;
  if (phase_ == Phase::watching) return judge(result);
  if (result.health == Health::healthy) return {CheckVerdict::Kind::ready, {}};
  last_text_ = result.text;
  return {};
}

CheckVerdict TargetChecks::judge(const CheckResult& result) {
  if (doing_ == Doing::stopping) return {};
  if (result.health == Health::unhealthy) {
    const auto most = std::max(config_.health.failures, 1U);
    failures_ = std::min(failures_ + 1, most);
    if (failures_ < most) return {};
    health_ = Health::unhealthy;
    health_text_ = result.text;
    if (!config_.health.restart) return {};
    const auto count = fmt::format("unhealthy, {} check{} in a row", most, most == 1 ? "" : "s");
    return {CheckVerdict::Kind::unhealthy, with(count, result.text)};
  }
  if (result.health != Health::unknown) failures_ = 0;
  health_ = result.health;
  health_text_ = result.health == Health::healthy ? "" : result.text;
  return {};
}

CheckVerdict TargetChecks::handle(const Notified& said, Now now) {
  if (phase_ == Phase::off || said.generation != generation_) return {};
  if (!said.status.empty()) said_ = said.status;
  if (said.ready) doing_ = Doing::nothing;
  if (said.reloading) doing_ = Doing::reloading;
  if (said.stopping) {
    doing_ = Doing::stopping;
    stop_watching();
  }
  if (phase_ == Phase::readying) {
    if (said.extend_ms > 0) {
      give_up_at_ = std::max(give_up_at_, after(now.time, extension_of(said)));
    }
    const bool ready = said.ready && config_.ready.check.kind == CheckKind::notify;
    if (ready) return {CheckVerdict::Kind::ready, {}};
  } else if (said.watchdog && watchdog_at_ != never) {
    watchdog_at_ = after(now.time, config_.watchdog);
  }
  return {};
}

CheckVerdict TargetChecks::time_reached(Now now, SupervisorEffects& effects) {
  if (phase_ == Phase::off) return {};
  if (now.time >= give_up_at_) {
    const auto text = "not ready within " + exact_duration(config_.ready.timeout);
    return {CheckVerdict::Kind::late, with(text, last_text_)};
  }
  if (now.time >= watchdog_at_) {
    watchdog_at_ = never;
    health_ = Health::unhealthy;
    health_text_ = "watchdog: silent for " + exact_duration(config_.watchdog);
    return {CheckVerdict::Kind::silent, health_text_};
  }
  const auto purpose = phase_ == Phase::readying ? CheckPurpose::ready : CheckPurpose::health;
  if (now.time >= next_try()) run(purpose, now, effects);
  return {};
}

Time TargetChecks::next_deadline() const {
  if (phase_ == Phase::off) return never;
  return std::min({give_up_at_, watchdog_at_, next_try()});
}

std::string TargetChecks::status_text() const {
  switch (doing_) {
    case Doing::nothing:
      return said_;
    case Doing::reloading:
      return with("reloading", said_);
    case Doing::stopping:
      return with("stopping", said_);
  }
  return said_;
}

}  // namespace banyan::leaf

#include "leaf/config_change.h"

namespace banyan::leaf {

bool is_same_launch(const TargetConfig& before, const TargetConfig& after) {
  TargetConfig same = after;
  same.autostart = before.autostart;
  same.restart = before.restart;
  same.success_codes = before.success_codes;
  same.backoff = before.backoff;
  same.max_restarts = before.max_restarts;
  same.stop_signal = before.stop_signal;
  same.stop_more = before.stop_more;
  same.stop_timeout = before.stop_timeout;
  same.labels = before.labels;
  same.log = before.log;
  same.health = before.health;
  same.restart_on = before.restart_on;
  same.group = before.group;
  same.watchdog = before.watchdog;
  same.depends = before.depends;
  same.strategy = before.strategy;
  same.strategy_group = before.strategy_group;
  same.schedule = before.schedule;
  // How readiness is told may be part of what is launched: a descriptor, a socket's name.
  const bool same_way = before.ready.check.kind == after.ready.check.kind &&
                        before.ready.check.fd == after.ready.check.fd;
  if (same_way) same.ready = before.ready;
  const bool watched = before.watchdog > Duration::zero();
  const bool to_be_watched = after.watchdog > Duration::zero();
  return same == before && watched == to_be_watched;
}

}  // namespace banyan::leaf

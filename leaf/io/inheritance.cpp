#include "leaf/io/inheritance.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "leaf/io/launcher.h"

namespace banyan::leaf {
namespace {

TargetMemory memory_of(const keeper::Message& message) {
  TargetMemory memory{message.target, message.generation, message.restarts, {}};
  if ((message.flags & keeper::remembers_exit) == 0) return memory;
  LastExit exit;
  exit.code = message.code;
  exit.signal = message.signal;
  exit.core = (message.flags & keeper::has_core) != 0;
  exit.unknown = (message.flags & keeper::status_unknown) != 0;
  exit.at = wall_from_ms(message.ended_ms);
  memory.last_exit = exit;
  return memory;
}

void sort_by_generation(std::vector<KeptRun>& runs) {
  std::stable_sort(runs.begin(), runs.end(), [](const KeptRun& a, const KeptRun& b) {
    return a.message.generation < b.message.generation;
  });
}

void take(KeptRun& run) { run.message.flags &= ~static_cast<std::uint32_t>(keeper::acknowledged); }

// A newer one was launched. If this one lives, it is a stray.
void replace(KeptRun& run, Legacy& legacy) {
  if ((run.message.flags & keeper::over) == 0) return;
  take(run);
  run.replaced = true;
  legacy.ended.push_back({run.message.target, run.message.generation,
                          Time{std::chrono::nanoseconds{run.message.started_ns}},
                          wall_from_ms(run.message.ended_ms)});
}

}  // namespace

v1::HeldRun held_run(const keeper::Message& told, int pidfd) {
  v1::HeldRun held;
  held.set_told(&told, sizeof told);
  held.set_pidfd(pidfd);
  return held;
}

std::vector<KeptRun> kept_runs(const v1::Handover& handover) {
  std::vector<KeptRun> runs;
  for (const v1::HeldRun& held : handover.runs()) {
    if (held.pidfd() <= 2) continue;
    KeptRun& run = runs.emplace_back();
    const std::string& told = held.told();
    std::memcpy(&run.message, told.data(), std::min(told.size(), sizeof run.message));
    run.message.target[keeper::name_room - 1] = '\0';
    run.message.flags &= keeper::grouped;
    run.message.flags |= keeper::foreign;  // to a keeper that it may be given to
    run.pidfd.reset(held.pidfd());
  }
  return runs;
}

Inheritance inherit(KeeperLink& link, const std::vector<TargetConfig>& targets,
                    const std::string& instance) {
  Inheritance all;
  std::map<std::string, const TargetConfig*> configured;
  for (const TargetConfig& target : targets) configured.emplace(target.name, &target);
  sort_by_generation(link.runs);
  std::map<std::string, KeptRun*> newest;
  for (KeptRun& run : link.runs) {
    keeper::Message& message = run.message;
    const bool usable = (message.flags & keeper::acknowledged) == 0;
    message.flags |= keeper::acknowledged;
    if (!usable || !configured.contains(message.target)) continue;
    KeptRun*& held = newest[message.target];
    if (held != nullptr && held->message.generation == message.generation) continue;
    if (held != nullptr) replace(*held, all.legacy);
    held = &run;
  }
  for (auto& [target, run] : newest) {
    const keeper::Message& message = run->message;
    take(*run);
    AdoptedRun adopted{target, message.generation, message.pid,
                       Time{std::chrono::nanoseconds{message.started_ns}}, false};
    adopted.changed = launch_hash(*configured.at(target)) != message.hash;
    all.legacy.runs.push_back(std::move(adopted));
    all.marks.insert(target_mark(instance, target, message.generation));
  }
  for (const keeper::Message& message : link.memories) {
    all.legacy.memories.push_back(memory_of(message));
  }
  return all;
}

}  // namespace banyan::leaf

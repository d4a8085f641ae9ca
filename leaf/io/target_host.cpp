#include "leaf/io/target_host.h"

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "common/base/name.h"
#include "common/io/clock.h"
#include "common/io/host_load.h"
#include "leaf/io/inheritance.h"

namespace banyan::leaf {
namespace {

constexpr auto tidy_after = std::chrono::milliseconds{250};
constexpr std::uint32_t ready_channel = 3;  // of a HeldPipe

}  // namespace

TargetHost::TargetHost(boost::asio::io_context& loop, const std::string& instance,
                       const std::string& state_dir, TargetHostHooks hooks)
    : loop_(loop),
      instance_(instance),
      state_dir_(state_dir),
      hooks_(std::move(hooks)),
      logs_(loop, state_dir + "/logs",
            {hooks_.log, hooks_.trouble,
             [this](const std::string& target) { checks_.grew(target); }}),
      groups_(instance),
      tidy_timer_(loop),
      helpers_(loop, instance),
      checks_(loop, helpers_,
              {hooks_.check, [this](const std::string& target) { return logs_.logs_of(target); }}),
      target_hooks_(helpers_, hooks_.trouble),
      processes_(loop, instance, process_hooks()),
      notify_(loop, instance,
              {hooks_.check, [this](int pid) { return processes_.owner_of(pid); }}) {}

Status TargetHost::open(const v1::Handover& handover) {
  std::map<std::string, Descriptor> sockets;
  for (const v1::HeldSocket& held : handover.sockets()) {
    if (held.socket() > 2) sockets[held.address()].reset(held.socket());
  }
  return notify_.open(state_dir_ + "/notify", std::move(sockets));
}

MergedSpill TargetHost::merge_spill(const std::vector<TargetConfig>& targets) {
  const auto log_of = [&](const std::string& target, LogStream stream) -> StreamLog& {
    StreamLog& log = logs_.stream_of(target, stream);
    for (const TargetConfig& each : targets) {
      if (each.name == target) log.configure(each.log);
    }
    return log;
  };
  return leaf::merge_spill(state_dir_ + "/" + keeper::spill_folder, log_of);
}

void TargetHost::use_keeper(const KeeperPlace& place, KeeperLink link,
                            const std::vector<TargetConfig>& targets) {
  processes_.use_keeper(place, std::move(link), targets);
}

void TargetHost::take_children(std::vector<KeptRun> children,
                               const std::vector<TargetConfig>& targets) {
  processes_.take_children(std::move(children), targets);
}

void TargetHost::take_pipes(const v1::Handover& handover,
                            const std::vector<TargetConfig>& targets) {
  for (const v1::HeldPipe& held : handover.pipes()) {
    if (held.reader() <= 2 || !is_name(held.target())) continue;
    Descriptor reader(held.reader());
    if (held.channel() == ready_channel) {
      ready_pipes_[{held.target(), held.generation()}] = std::move(reader);
      continue;
    }
    LogConfig config;
    for (const TargetConfig& target : targets) {
      if (target.name == held.target()) config = target.log;
    }
    const bool is_out = held.channel() == static_cast<std::uint32_t>(LogStream::out);
    Descriptor none;
    logs_.attach(held.target(), config, is_out ? std::move(reader) : std::move(none),
                 is_out ? std::move(none) : std::move(reader));
  }
}

bool TargetHost::may_leave(bool calm) const {
  return processes_.quiet() && (!calm || helpers_.running() == 0);
}

// Checks and hooks that still run are strays to the next program.
void TargetHost::leave(v1::Handover& handover, std::vector<int>& descriptors) {
  processes_.pause_keeper();
  const auto keep = [&descriptors](int fd) {
    descriptors.push_back(fd);
    return fd;
  };
  for (const auto& [address, fd] : notify_.held()) {
    v1::HeldSocket& held = *handover.add_sockets();
    held.set_address(address);
    held.set_socket(keep(fd));
  }
  for (const auto& [key, fd] : checks_.ready_pipes()) {
    v1::HeldPipe& held = *handover.add_pipes();
    held.set_target(key.first);
    held.set_generation(key.second);
    held.set_channel(ready_channel);
    held.set_reader(keep(fd));
  }
  if (processes_.has_keeper()) return;  // it holds the rest
  for (const auto& run : processes_.held()) {
    *handover.add_runs() = held_run(run.told, keep(run.pidfd));
  }
  for (const auto& pipe : logs_.held()) {
    v1::HeldPipe& held = *handover.add_pipes();
    held.set_target(pipe.target);
    held.set_channel(static_cast<std::uint32_t>(pipe.stream));
    held.set_reader(keep(pipe.reader));
  }
}

void TargetHost::perform(const SampleUsage& effect) {
  boost::asio::post(loop_, [this, effect] { hooks_.usage(sample(effect)); });
}

UsageSampled TargetHost::sample(const SampleUsage& wish) {
  UsageSampled sampled;
  sampled.everything = wish.everything;
  if (wish.everything) sampled.host = banyan::io::read_host_load();
  std::vector<UsageJob> jobs;
  for (const std::string& target : wish.targets) {
    const auto [generation, pid] = processes_.newest(target);
    if (pid == 0) {
      gauges_.forget(target);
      continue;
    }
    jobs.push_back({target, generation, {target_mark(instance_, target, generation), pid}});
  }
  sampled.targets = gauges_.sample(jobs, banyan::io::read_clock().time, wish.everything);
  return sampled;
}

void TargetHost::close(Duration patience) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + patience;
  hooks_.process = [](const ProcessEvent&) {};
  hooks_.trouble = [](const std::string&) {};
  hooks_.usage = [](const UsageSampled&) {};
  while (helpers_.running() > 0 && steady_clock::now() < deadline) {
    loop_.restart();
    loop_.run_one_until(deadline);
  }
  helpers_.end_all();
  processes_.end_escaped();
  processes_.say_goodbye();
}

ProcessHooks TargetHost::process_hooks() {
  ProcessHooks hooks;
  hooks.event = [this](ProcessEvent event) { on_process(std::move(event)); };
  hooks.output = [this](const TargetConfig& config, Descriptor out, Descriptor err) {
    logs_.attach(config.name, config.log, std::move(out), std::move(err));
  };
  hooks.drain = [this](const std::string& target) { logs_.drain(target); };
  hooks.prepare = [this](const TargetConfig& config, std::uint64_t generation,
                         LaunchExtras& extras) { prepare(config, generation, extras); };
  hooks.begun = [this](const TargetConfig& config, std::uint64_t generation, Descriptor ready) {
    begun(config, generation, std::move(ready));
  };
  hooks.adopted = [this](const TargetConfig& config, std::uint64_t generation, int pid) {
    adopted(config, generation, pid);
  };
  hooks.pipe = [this](const std::string& target, LogStream stream) {
    return logs_.newest_pipe(target, stream);
  };
  hooks.trouble = [this](const std::string& text) { hooks_.trouble(text); };
  hooks.group = {
      [this](const auto& target, auto of) { return groups_.kill(target, of); },
      [this](const auto& target, auto of) { return groups_.left(target, of); },
      [this](const auto& target, auto of) { return groups_.oom_killed(target, of); },
      [this](const auto& target, auto of) {
        groups_.release(target, of);
        tidy_later();
      },
  };
  hooks.collected = [this](int pid) { return hooks_.collected && hooks_.collected(pid); };
  hooks.orphan_reaped = [this](int pid) {
    if (hooks_.orphan_reaped) hooks_.orphan_reaped(pid, processes_.orphans_reaped());
  };
  hooks.helper_dead = [this](int pid) { return helpers_.dead(pid); };
  hooks.helper_reaped = [this](const siginfo_t& info) { helpers_.reaped(info); };
  return hooks;
}

void TargetHost::on_process(ProcessEvent event) {
  if (const auto* exited = std::get_if<ProcessExited>(&event)) target_hooks_.exited(*exited);
  hooks_.process(std::move(event));
}

// Nobody waits for it: a leaf that ends or restarts many targets does that first.
void TargetHost::tidy_later() {
  if (tidy_timer_.expiry() > std::chrono::steady_clock::now()) return;
  tidy_timer_.expires_after(tidy_after);
  tidy_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !groups_.tidy()) tidy_later();
  });
}

void TargetHost::prepare(const TargetConfig& config, std::uint64_t generation,
                         LaunchExtras& extras) {
  extras.environment = notify_.environment_of(config);
  extras.cgroup = groups_.make(config.name, generation, config.process);
  auto objection = groups_.objection(config.process);
  if (objection.empty() || objection == objection_) return;
  hooks_.trouble(fmt::format("target={} {}", config.name, objection));
  objection_ = std::move(objection);
}

void TargetHost::adopted(const TargetConfig& config, std::uint64_t generation, int pid) {
  groups_.adopt(config.name, generation, pid);
  auto ready = ready_pipes_.extract({config.name, generation});
  checks_.begin(config, generation, ready.empty() ? Descriptor() : std::move(ready.mapped()));
  target_hooks_.adopted(config, generation, pid);
}

void TargetHost::begun(const TargetConfig& config, std::uint64_t generation, Descriptor ready) {
  logs_.begin_run(config.name, generation);
  checks_.begin(config, generation, std::move(ready));
  target_hooks_.started(config, generation, processes_.pid_of(config.name, generation));
}

}  // namespace banyan::leaf

// The part of the process table that works through a keeper.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "leaf/io/launch_cargo.h"
#include "leaf/io/process_table.h"

namespace banyan::leaf {
namespace {

using boost::system::error_code;

constexpr std::size_t asked_max = 8;  // launches on their way: eight descriptors each
constexpr auto keeper_pause = std::chrono::seconds{1};
constexpr auto kernel_pause = std::chrono::milliseconds{20};
constexpr unsigned kernel_tries = 100;
constexpr int retry_error = EAGAIN;

ExitStatus status_of(const keeper::Message& message) {
  ExitStatus status;
  status.code = message.code;
  status.signal = message.signal;
  status.core = (message.flags & keeper::has_core) != 0;
  status.known = (message.flags & keeper::status_unknown) == 0;
  status.user_ms = message.user_ms;
  status.system_ms = message.system_ms;
  status.max_rss_bytes = message.max_rss_bytes;
  return status;
}

keeper::Message message_for(keeper::Kind kind, const std::string& target,
                            std::uint64_t generation) {
  keeper::Message message;
  message.kind = kind;
  message.generation = generation;
  keeper::set_target(message, target.data(), target.size());
  return message;
}

}  // namespace

void ProcessTable::use_keeper(const KeeperPlace& place, KeeperLink link,
                              const std::vector<TargetConfig>& targets) {
  place_ = place;
  auto runs = std::move(link.runs);
  connect_keeper(std::move(link));
  take_children(std::move(runs), targets);
}

void ProcessTable::take_children(std::vector<KeptRun> children,
                                 const std::vector<TargetConfig>& targets) {
  for (KeptRun& run : children) {
    TargetConfig config;
    config.name = run.message.target;
    for (const TargetConfig& target : targets) {
      if (target.name == config.name) config = target;
    }
    adopt(std::move(run), config);
  }
}

void ProcessTable::connect_keeper(KeeperLink link) {
  KeeperClient::Hooks hooks;
  hooks.launched = [this](const keeper::Message& message, Descriptor pidfd) {
    on_launched(message, std::move(pidfd));
  };
  hooks.exited = [this](const keeper::Message& message) { on_kept_exit(message); };
  hooks.lost = [this] { boost::asio::post(loop_, [this] { on_keeper_lost(); }); };
  ender_.set_keeper(link.pid);
  keeper_ = std::make_unique<KeeperClient>(loop_, std::move(link.socket), std::move(hooks));
  keeper_->set_version(link.version);
}

// Its pipes are read whether it is alive, over, or nobody's.
void ProcessTable::adopt(KeptRun run, const TargetConfig& config) {
  const Key key{run.message.target, run.message.generation};
  const bool over = (run.message.flags & keeper::over) != 0;
  hooks_.output(config, std::move(run.out), std::move(run.err));
  if ((run.message.flags & keeper::acknowledged) != 0) {
    if (over) acknowledge(key);
    return;
  }
  const bool kept = over || (keeper_ && (run.message.flags & keeper::foreign) == 0);
  Process process{run.message.pid, config.stop_signal, false, kept, std::move(run.pidfd)};
  process.told = run.message;
  process.told.ended_ms = 0;
  process.told.flags &= keeper::grouped;
  if (config.on_agent_death == AgentDeath::kill) process.told.flags |= keeper::end_with_agent;
  const auto entry = processes_.insert_or_assign(key, std::move(process)).first;
  ++running_;
  if (hooks_.adopted && !run.replaced) hooks_.adopted(config, key.second, run.message.pid);
  if (over) return on_kept_exit(run.message);
  if (keeper_) hand_over(key, entry->second);  // what became of its configuration
  if (kept) return;
  if (keeper_) ender_.look_everywhere();
  wait_for_exit(key);
}

void ProcessTable::remember(const TargetMemory& memory) {
  if (place_.program.empty()) return;
  memories_[memory.target] = memory;
  send_memory(memory);
}

void ProcessTable::send_memory(const TargetMemory& memory) {
  if (!keeper_) return;
  auto message = message_for(keeper::Kind::memory, memory.target, memory.generation);
  message.restarts = memory.restarts;
  if (memory.last_exit) {
    message.flags = keeper::remembers_exit;
    if (memory.last_exit->core) message.flags |= keeper::has_core;
    if (memory.last_exit->unknown) message.flags |= keeper::status_unknown;
    message.code = memory.last_exit->code;
    message.signal = memory.last_exit->signal;
    message.ended_ms = wall_ms(memory.last_exit->at);
  }
  keeper_->send_soon(message);
}

void ProcessTable::say_goodbye() {
  if (!keeper_) return;
  keeper::Message message;
  message.kind = running_ == 0 ? keeper::Kind::quit : keeper::Kind::goodbye;
  keeper_->send_last(message);
}

void ProcessTable::pause_keeper() {
  if (!keeper_) return;
  keeper::Message message;
  message.kind = keeper::Kind::goodbye;
  keeper_->send_last(message);
}

void ProcessTable::resume_keeper() {
  if (!keeper_) return;
  keeper::Message message;
  message.kind = keeper::Kind::hello;
  keeper_->send_last(message);
}

bool ProcessTable::quiet() const {
  if (untold_ > 0 || !waiting_.empty() || !asked_.empty()) return false;
  return place_.program.empty() || (keeper_ && keeper_->flushed());
}

std::vector<ProcessTable::HeldRun> ProcessTable::held() {
  std::vector<HeldRun> list;
  for (auto& [key, process] : processes_) {
    if (!process.reaped) list.push_back({process.told, process.number()});
  }
  return list;
}

// ---- launches

void ProcessTable::pump_launches() {
  while (!waiting_.empty() && asked_.size() < asked_max) {
    Launch effect = std::move(waiting_.front());
    waiting_.pop_front();
    if (keeper_) {
      ask_keeper(std::move(effect));
    } else {
      launch_directly(effect);
    }
  }
  if (waiting_.empty() && asked_.empty()) boost::asio::post(loop_, [this] { launcher_.stock(); });
}

void ProcessTable::ask_keeper(Launch effect) {
  TargetConfig config = std::move(effect.config);
  config.name = effect.target;
  auto prepared =
      launcher_.prepare(config, effect.generation, extras_for(config, effect.generation));
  if (!prepared) {
    tell(LaunchFailed{effect.target, effect.generation, prepared.error().error_number,
                      prepared.error().text});
    return;
  }
  const ChildFrame frame = prepared->frame();
  keeper::Packet packet;
  packet.message = message_for(keeper::Kind::launch, effect.target, effect.generation);
  LaunchCargo cargo;
  if (!cargo.load(frame, keeper_->version(), packet)) {
    tell(LaunchFailed{effect.target, effect.generation, errno, "memory for the launch"});
    return;
  }
  packet.message.hash = launch_hash(config);
  const bool ends = config.on_agent_death == AgentDeath::kill;
  if (ends) packet.message.flags = keeper::end_with_agent;
  for (const int fd : {frame.input, frame.output, frame.error}) packet.add(fd);
  packet.add(prepared->output_reader());
  packet.add(prepared->error_reader());
  const auto add = [&packet](int fd, keeper::Has has) {
    if (fd < 0) return;
    packet.message.has |= has;
    packet.add(fd);
  };
  add(frame.ready, keeper::has_ready);
  add(frame.cgroup, keeper::has_cgroup);
  keeper_->send(packet);
  prepared->close_writers();
  asked_.insert_or_assign({effect.target, effect.generation},
                          Pending{std::move(config), *std::move(prepared)});
}

void ProcessTable::on_launched(const keeper::Message& message, Descriptor pidfd) {
  const Key key{message.target, message.generation};
  const auto asked = asked_.find(key);
  if (asked == asked_.end()) return;
  Pending pending = std::move(asked->second);
  asked_.erase(asked);
  const auto stage = static_cast<LaunchStage>(message.stage);
  if (message.pid != 0) {
    auto launched = pending.prepared.take(message.pid, std::move(pidfd));
    launched.grouped = (message.flags & keeper::grouped) != 0;
    add(key, pending.config, std::move(launched));
    Process& process = processes_.at(key);
    process.kept = true;
    process.told.started_ns = message.started_ns;
  } else if (message.error_number == EBADMSG && stage == LaunchStage::clone) {
    launch_beside(pending.config, key.second);
  } else {
    const auto error = pending.prepared.error_of(stage, message.error_number, message.detail);
    tell(LaunchFailed{key.first, key.second, error.error_number, error.text});
  }
  pump_launches();
}

// The keeper was started by an agent of another version, and does not know all of this launch.
void ProcessTable::launch_beside(const TargetConfig& config, std::uint64_t generation) {
  if (hooks_.trouble) {
    hooks_.trouble(fmt::format("target={} launched beside the keeper, which is of another version",
                               config.name));
  }
  launch_directly({config.name, generation, config});
  const auto entry = processes_.find({config.name, generation});
  if (entry != processes_.end()) hand_over(entry->first, entry->second);
}

// ---- exits

void ProcessTable::on_kept_exit(const keeper::Message& message) {
  const Key key{message.target, message.generation};
  const auto entry = processes_.find(key);
  if (entry == processes_.end()) return acknowledge(key);  // nobody's any more
  if (entry->second.reaped) return;
  entry->second.told.ended_ms = message.ended_ms;
  finish(key, entry->second, status_of(message));
}

void ProcessTable::acknowledge(const Key& key) {
  if (!keeper_) return;
  keeper_->send_soon(message_for(keeper::Kind::acknowledge, key.first, key.second));
}

void ProcessTable::ask_kernel_later(const Key& key, unsigned tries) {
  const auto entry = processes_.find(key);
  if (entry == processes_.end() || entry->second.reaped) return;
  const int pidfd = entry->second.number();
  ExitStatus status;
  auto answer = reap(pidfd, status);  // by now it may have become a child of this process
  if (answer == ExitAnswer::no_answer) answer = ask_kernel(pidfd, status);
  if (answer == ExitAnswer::alive && tries >= kernel_tries) {
    status.code = -1;
    status.known = false;
    answer = ExitAnswer::no_answer;
  }
  if (answer != ExitAnswer::alive) return finish(key, entry->second, status);
  auto timer = std::make_shared<boost::asio::steady_timer>(loop_, kernel_pause);
  timer->async_wait([this, key, tries, timer](const error_code& error) {
    if (!error) ask_kernel_later(key, tries + 1);
  });
}

// ---- the keeper's own death

void ProcessTable::on_keeper_lost() {
  keeper_.reset();
  ender_.set_keeper(0);
  ender_.look_everywhere();
  auto asked = std::exchange(asked_, {});
  for (auto& [key, pending] : asked) {
    // Whether it was started is not known: nothing of it may stay before it is tried again.
    const auto mark = target_mark(launcher_.instance(), key.first, key.second);
    ender_.end({mark, 0}, [this, key = key](const SubtreeResult&) {
      tell(LaunchFailed{key.first, key.second, retry_error, "the keeper died while it launched"});
    });
  }
  for (auto& [key, process] : processes_) {
    if (!process.kept || process.reaped) continue;
    process.kept = false;
    wait_for_exit(key);
  }
  replace_keeper();
}

void ProcessTable::replace_keeper() {
  auto link = start_keeper(place_);
  std::string news;
  if (link) {
    const int pid = link->pid;
    connect_keeper(*std::move(link));
    for (const auto& [target, memory] : memories_) send_memory(memory);
    for (auto& [key, process] : processes_) {
      if (!process.reaped) hand_over(key, process);
    }
    news = fmt::format("the keeper died: its targets live on, a new one (pid {}) holds them", pid);
  } else {
    news = "the keeper died, its targets live on: " + link.error().text();
    keeper_timer_.expires_after(keeper_pause);
    keeper_timer_.async_wait([this](const error_code& error) {
      if (!error) replace_keeper();
    });
  }
  if (hooks_.trouble) hooks_.trouble(news);
  pump_launches();
}

void ProcessTable::hand_over(const Key& key, Process& process) {
  keeper::Packet packet;
  packet.message = process.told;
  packet.message.kind = keeper::Kind::take_over;
  packet.message.version = keeper::wire_version;
  packet.message.has = keeper::has_pidfd;
  packet.add(process.number());
  const auto add_pipe = [&](LogStream stream, keeper::Has has) {
    const int pipe = hooks_.pipe ? hooks_.pipe(key.first, stream) : -1;
    if (pipe < 0) return;
    packet.message.has |= has;
    packet.add(pipe);
  };
  add_pipe(LogStream::out, keeper::has_output);
  add_pipe(LogStream::err, keeper::has_error);
  keeper_->send(packet);
}

}  // namespace banyan::leaf

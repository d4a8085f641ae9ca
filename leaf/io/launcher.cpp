#include "leaf/io/launcher.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "common/base/check.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t stack_bytes = 64 << 10;
constexpr std::size_t stack_alignment = 16;
constexpr int pipe_bytes = 1 << 20;

tl::unexpected<LaunchError> failed(const std::string& what, int error_number) {
  return tl::unexpected<LaunchError>(launch_error(what, error_number));
}

tl::unexpected<LaunchError> failed(const Error& error) {
  return tl::unexpected<LaunchError>(LaunchError{EINVAL, error.text()});
}

}  // namespace

std::string target_mark(const std::string& instance, const std::string& target,
                        std::uint64_t generation) {
  return fmt::format("{}/{}#{}", instance, target, generation);
}

Launcher::Launcher(std::string instance)
    : instance_(std::move(instance)),
      own_descriptors_(
          lifted(Descriptor(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)))),
      stack_(new std::byte[stack_bytes]) {}

int Launcher::open_again(int descriptor, int flags) const {
  if (own_descriptors_) {
    return ::openat(own_descriptors_.get(), std::to_string(descriptor).c_str(), flags);
  }
  return ::open(fmt::format("/proc/self/fd/{}", descriptor).c_str(), flags);
}

// The target's end is opened read-write: it is a reader of its own pipe and so never gets SIGPIPE
// when the leaf goes, while the leaf still sees the end of file when the last writer is gone.
tl::expected<PreparedLaunch::Pipe, LaunchError> Launcher::open_pipe(bool large) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return failed("pipe", errno);
  PreparedLaunch::Pipe pipe{lifted(Descriptor(ends[0])), {}};
  const Descriptor plain_writer(ends[1]);
  if (!pipe.reader) return failed("pipe", errno);
  if (large && ::fcntl(pipe.reader.get(), F_SETPIPE_SZ, pipe_bytes) < 0) ++small_pipes_;
  pipe.writer = lifted(Descriptor(open_again(plain_writer.get(), O_RDWR | O_CLOEXEC)));
  if (!pipe.writer) return failed("open /proc/self/fd", errno);
  return pipe;
}

tl::expected<PreparedLaunch::Pipe, LaunchError> Launcher::take_pipe(bool large) {
  if (!large || stock_.empty()) return open_pipe(large);
  auto pipe = std::move(stock_.back());
  stock_.pop_back();
  return pipe;
}

void Launcher::stock() {
  while (stock_.size() < stock_max) {
    auto pipe = open_pipe(true);
    if (!pipe) return;  // the launch itself will say why
    stock_.push_back(*std::move(pipe));
  }
}

// The target's end is read-write here, too: a leaf that dies before the target is ready must not
// end it by SIGPIPE; and it never waits: a target that goes on writing gets EAGAIN.
tl::expected<PreparedLaunch::Pipe, LaunchError> Launcher::open_ready_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return failed("pipe", errno);
  PreparedLaunch::Pipe pipe{lifted(Descriptor(ends[0])), {}};
  const Descriptor plain_writer(ends[1]);
  if (!pipe.reader) return failed("pipe", errno);
  pipe.writer = lifted(Descriptor(open_again(plain_writer.get(), O_RDWR | O_NONBLOCK | O_CLOEXEC)));
  if (!pipe.writer) return failed("open /proc/self/fd", errno);
  return pipe;
}

tl::expected<LaunchFrame, LaunchError> Launcher::prepare_frame(const TargetConfig& config,
                                                               std::uint64_t generation,
                                                               LaunchExtras& extras) const {
  const auto user = find_target_user(config.process);
  if (!user) return failed(user.error());
  auto environment = environment_of(config, *user);
  if (!environment) return failed(environment.error());
  for (auto& [name, value] : extras.environment) (*environment)[name] = std::move(value);
  (*environment)["BANYAN_TARGET"] =
      target_mark(instance_, config.name, generation) + extras.mark_end;
  return LaunchFrame::prepare(config, *user, *environment, lifted(std::move(extras.input)));
}

tl::expected<PreparedLaunch, LaunchError> Launcher::prepare(const TargetConfig& config,
                                                            std::uint64_t generation,
                                                            LaunchExtras extras) {
  CHECK(!config.command.empty());
  auto frame = prepare_frame(config, generation, extras);
  if (!frame) return tl::unexpected<LaunchError>(frame.error());
  PreparedLaunch made(*std::move(frame));
  auto output = take_pipe(!extras.short_lived);
  if (!output) return tl::unexpected<LaunchError>(output.error());
  auto error = take_pipe(!extras.short_lived);
  if (!error) return tl::unexpected<LaunchError>(error.error());
  made.output_ = *std::move(output);
  made.error_ = *std::move(error);
  made.cgroup_ = lifted(std::move(extras.cgroup));
  if (config.process.pass_output && !extras.short_lived) {
    made.output_.writer = Descriptor(::fcntl(1, F_DUPFD_CLOEXEC, 3));
    made.error_.writer = Descriptor(::fcntl(2, F_DUPFD_CLOEXEC, 3));
    if (!made.output_.writer || !made.error_.writer) return failed("pass_output", errno);
  }
  if (extras.ready_number <= 2) return made;
  auto ready = open_ready_pipe();
  if (!ready) return tl::unexpected<LaunchError>(ready.error());
  made.ready_ = *std::move(ready);
  made.ready_number_ = extras.ready_number;
  return made;
}

ChildFrame PreparedLaunch::frame() {
  ChildFrame frame = frame_.frame();
  frame.output = output_.writer.get();
  frame.error = error_.writer.get();
  frame.ready = ready_.writer.get();
  frame.ready_number = ready_number_;
  frame.cgroup = cgroup_.get();
  return frame;
}

LaunchError PreparedLaunch::error_of(LaunchStage stage, int error_number,
                                     std::size_t detail) const {
  return frame_.error_of(stage, error_number, detail);
}

void PreparedLaunch::close_writers() {
  output_.writer.reset();
  error_.writer.reset();
  ready_.writer.reset();
}

LaunchedProcess PreparedLaunch::take(int pid, Descriptor pidfd) {
  return {pid, std::move(pidfd), std::move(output_.reader), std::move(error_.reader),
          std::move(ready_.reader)};
}

tl::expected<LaunchedProcess, LaunchError> Launcher::start(PreparedLaunch prepared) {
  ChildFrame frame = prepared.frame();
  auto top = reinterpret_cast<std::uintptr_t>(stack_.get()) + stack_bytes;
  top -= top % stack_alignment;
  const Child child = start_child(frame, reinterpret_cast<void*>(top));
  if (child.pid == 0) {
    return tl::unexpected<LaunchError>(
        prepared.error_of(frame.stage, frame.error_number, frame.limit_index));
  }
  auto launched = prepared.take(child.pid, Descriptor(child.pidfd));
  launched.grouped = frame.cgroup_joined;
  return launched;
}

tl::expected<LaunchedProcess, LaunchError> Launcher::launch(const TargetConfig& config,
                                                            std::uint64_t generation,
                                                            LaunchExtras extras) {
  auto prepared = prepare(config, generation, std::move(extras));
  if (!prepared) return tl::unexpected<LaunchError>(prepared.error());
  return start(*std::move(prepared));
}

}  // namespace banyan::leaf

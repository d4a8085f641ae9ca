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
    : instance_(std::move(instance)), stack_(new std::byte[stack_bytes]) {}

// The target's end is opened read-write: it is a reader of its own pipe and so never gets SIGPIPE
// when the leaf goes, while the leaf still sees the end of file when the last writer is gone.
tl::expected<Launcher::Pipe, LaunchError> Launcher::open_pipe(bool large) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return failed("pipe", errno);
  Pipe pipe{lifted(Descriptor(ends[0])), {}};
  const Descriptor plain_writer(ends[1]);
  if (!pipe.reader) return failed("pipe", errno);
  if (large && ::fcntl(pipe.reader.get(), F_SETPIPE_SZ, pipe_bytes) < 0) ++small_pipes_;
  if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) < 0) return failed("pipe", errno);
  const auto path = fmt::format("/proc/self/fd/{}", plain_writer.get());
  pipe.writer = lifted(Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)));
  if (!pipe.writer) return failed("open " + path, errno);
  return pipe;
}

// A plain write end: a target that goes on writing to it after the leaf has closed it gets EPIPE,
// as with any other supervisor.
tl::expected<Launcher::Pipe, LaunchError> Launcher::open_ready_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return failed("pipe", errno);
  Pipe pipe{lifted(Descriptor(ends[0])), lifted(Descriptor(ends[1]))};
  if (!pipe.reader || !pipe.writer) return failed("pipe", errno);
  if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) < 0) return failed("pipe", errno);
  return pipe;
}

tl::expected<LaunchFrame, LaunchError> Launcher::prepare(const TargetConfig& config,
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

tl::expected<LaunchedProcess, LaunchError> Launcher::launch(const TargetConfig& config,
                                                            std::uint64_t generation,
                                                            LaunchExtras extras) {
  CHECK(!config.command.empty());
  auto prepared = prepare(config, generation, extras);
  if (!prepared) return tl::unexpected<LaunchError>(prepared.error());
  auto output = open_pipe(!extras.short_lived);
  if (!output) return tl::unexpected<LaunchError>(output.error());
  auto error = open_pipe(!extras.short_lived);
  if (!error) return tl::unexpected<LaunchError>(error.error());
  Pipe ready;
  if (extras.ready_number > 2) {
    auto opened = open_ready_pipe();
    if (!opened) return tl::unexpected<LaunchError>(opened.error());
    ready = *std::move(opened);
  }
  ChildFrame frame = prepared->frame();
  frame.output = output->writer.get();
  frame.error = error->writer.get();
  frame.ready = ready.writer.get();
  frame.ready_number = extras.ready_number;
  frame.cgroup = extras.cgroup;
  auto top = reinterpret_cast<std::uintptr_t>(stack_.get()) + stack_bytes;
  top -= top % stack_alignment;
  const Child child = start_child(frame, reinterpret_cast<void*>(top));
  if (child.pid == 0) return tl::unexpected<LaunchError>(prepared->error_of(frame));
  return LaunchedProcess{child.pid, Descriptor(child.pidfd), std::move(output->reader),
                         std::move(error->reader), std::move(ready.reader)};
}

}  // namespace banyan::leaf

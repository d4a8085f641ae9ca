#include "leaf/io/launcher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/base/check.h"
#include "leaf/io/command_path.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t stack_bytes = 64 << 10;
constexpr std::size_t stack_alignment = 16;
constexpr int pipe_bytes = 1 << 20;

LaunchError launch_error(const std::string& what, int error_number, std::string_view more = {}) {
  const char* name = ::strerrorname_np(error_number);
  const char* text = ::strerrordesc_np(error_number);
  return {error_number,
          fmt::format("{}: {} ({}){}", what, text ? text : "?", name ? name : "?", more)};
}

tl::unexpected<LaunchError> failed(const std::string& what, int error_number) {
  return tl::unexpected<LaunchError>(launch_error(what, error_number));
}

// Above 2, so that placing 0, 1 and 2 never overwrites a source that is still needed.
Descriptor lifted(Descriptor fd) {
  if (fd.get() < 0 || fd.get() > 2) return fd;
  return Descriptor(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

std::vector<std::string> environment_of(const TargetConfig& config, const std::string& mark) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    values.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : config.env) values[name] = value;
  values["BANYAN_TARGET"] = mark;
  std::vector<std::string> lines;
  lines.reserve(values.size());
  for (const auto& [name, value] : values) lines.push_back(name + "=" + value);
  return lines;
}

std::string path_variable(const std::vector<std::string>& environment) {
  for (const auto& line : environment) {
    if (line.starts_with("PATH=")) return line.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

std::vector<char*> pointers_to(std::vector<std::string>& lines) {
  std::vector<char*> pointers;
  pointers.reserve(lines.size() + 1);
  for (auto& line : lines) pointers.push_back(line.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool exists(const TargetConfig& config, const std::string& program) {
  struct stat info = {};
  const bool relative = !program.starts_with('/') && !config.cwd.empty();
  return ::stat((relative ? config.cwd + "/" + program : program).c_str(), &info) == 0;
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
tl::expected<PreparedLaunch::Pipe, LaunchError> Launcher::open_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return failed("pipe", errno);
  PreparedLaunch::Pipe pipe{lifted(Descriptor(ends[0])), {}};
  const Descriptor plain_writer(ends[1]);
  if (!pipe.reader) return failed("pipe", errno);
  if (::fcntl(pipe.reader.get(), F_SETPIPE_SZ, pipe_bytes) < 0) ++small_pipes_;
  if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) < 0) return failed("pipe", errno);
  const auto path = fmt::format("/proc/self/fd/{}", plain_writer.get());
  pipe.writer = lifted(Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)));
  if (!pipe.writer) return failed("open " + path, errno);
  return pipe;
}

tl::expected<PreparedLaunch, LaunchError> Launcher::prepare(const TargetConfig& config,
                                                            std::uint64_t generation) {
  CHECK(!config.command.empty());
  PreparedLaunch made;
  made.config_ = config;
  made.environment_ = environment_of(config, target_mark(instance_, config.name, generation));
  made.arguments_ = config.command;
  const auto program =
      find_program(config.command[0], path_variable(made.environment_), config.cwd);
  if (!program) {
    return tl::unexpected<LaunchError>(
        launch_error("exec " + config.command[0], program.error(), "; looked for in PATH"));
  }
  made.program_ = *program;
  made.input_ = lifted(Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  if (!made.input_) return failed("open /dev/null", errno);
  auto output = open_pipe();
  if (!output) return tl::unexpected<LaunchError>(output.error());
  auto error = open_pipe();
  if (!error) return tl::unexpected<LaunchError>(error.error());
  made.output = *std::move(output);
  made.error = *std::move(error);
  return made;
}

ChildFrame PreparedLaunch::frame() {
  argument_pointers_ = pointers_to(arguments_);
  environment_pointers_ = pointers_to(environment_);
  ChildFrame frame;
  frame.path = program_.c_str();
  frame.arguments = argument_pointers_.data();
  frame.environment = environment_pointers_.data();
  frame.working_directory = config_.cwd.empty() ? nullptr : config_.cwd.c_str();
  frame.input = input_.get();
  frame.output = output.writer.get();
  frame.error = error.writer.get();
  frame.umask = config_.umask ? static_cast<int>(*config_.umask) : -1;
  return frame;
}

LaunchError PreparedLaunch::error_of(LaunchStage stage, int error_number) const {
  switch (stage) {
    case LaunchStage::clone:
      return launch_error("clone", error_number);
    case LaunchStage::session:
      return launch_error("setsid", error_number);
    case LaunchStage::working_directory:
      return launch_error("chdir " + config_.cwd, error_number);
    case LaunchStage::descriptors:
      return launch_error("place descriptors", error_number);
    case LaunchStage::execute:
      break;
  }
  const bool interpreter = error_number == ENOENT && exists(config_, program_);
  return launch_error("exec " + program_, error_number,
                      interpreter ? "; the file exists: its interpreter does not" : "");
}

tl::expected<LaunchedProcess, LaunchError> Launcher::start(PreparedLaunch prepared) {
  ChildFrame frame = prepared.frame();
  auto top = reinterpret_cast<std::uintptr_t>(stack_.get()) + stack_bytes;
  top -= top % stack_alignment;
  const Child child = start_child(frame, reinterpret_cast<void*>(top));
  if (child.pid == 0) {
    return tl::unexpected<LaunchError>(prepared.error_of(frame.stage, frame.error_number));
  }
  return LaunchedProcess{child.pid, Descriptor(child.pidfd), std::move(prepared.output.reader),
                         std::move(prepared.error.reader)};
}

tl::expected<LaunchedProcess, LaunchError> Launcher::launch(const TargetConfig& config,
                                                            std::uint64_t generation) {
  auto prepared = prepare(config, generation);
  if (!prepared) return tl::unexpected<LaunchError>(prepared.error());
  return start(*std::move(prepared));
}

}  // namespace banyan::leaf

#include "leaf/io/launch_frame.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <filesystem>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "leaf/io/command_path.h"

namespace banyan::leaf {
namespace {

constexpr int io_class_shift = 13;
constexpr std::string_view watchdog_pid = "WATCHDOG_PID=";
constexpr std::size_t pid_room = 12;

std::string path_variable(const Environment& environment) {
  const auto path = environment.find("PATH");
  return path == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : path->second;
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

int resource_of(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::nofile:
      return RLIMIT_NOFILE;
    case ResourceKind::core:
      return RLIMIT_CORE;
    case ResourceKind::as:
      return RLIMIT_AS;
    case ResourceKind::cpu_time:
      return RLIMIT_CPU;
    case ResourceKind::nproc:
      return RLIMIT_NPROC;
    case ResourceKind::fsize:
      return RLIMIT_FSIZE;
    case ResourceKind::memlock:
      return RLIMIT_MEMLOCK;
    case ResourceKind::stack:
      return RLIMIT_STACK;
  }
  return -1;
}

std::string_view name_of(int resource) {
  switch (resource) {
    case RLIMIT_NOFILE:
      return "nofile";
    case RLIMIT_CORE:
      return "core";
    case RLIMIT_AS:
      return "as";
    case RLIMIT_CPU:
      return "cpu_time";
    case RLIMIT_NPROC:
      return "nproc";
    case RLIMIT_FSIZE:
      return "fsize";
    case RLIMIT_MEMLOCK:
      return "memlock";
    default:
      return "stack";
  }
}

// Opening a named pipe must not wait for its writer; the target then waits itself.
tl::expected<Descriptor, LaunchError> open_input(const std::string& input) {
  static const Descriptor nothing = lifted(Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  if (input == "null" && nothing) return Descriptor(::fcntl(nothing.get(), F_DUPFD_CLOEXEC, 3));
  const bool inherits = input == "inherit";
  const auto& path = input == "null" ? std::string("/dev/null") : input;
  Descriptor fd(inherits ? ::fcntl(0, F_DUPFD_CLOEXEC, 3)
                         : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return tl::unexpected<LaunchError>(launch_error("stdin " + path, errno));
  if (!inherits) ::fcntl(fd.get(), F_SETFL, 0);
  fd = lifted(std::move(fd));
  if (!fd) return tl::unexpected<LaunchError>(launch_error("stdin " + path, errno));
  return fd;
}

}  // namespace

LaunchError launch_error(const std::string& what, int error_number, std::string_view more) {
  const char* name = ::strerrorname_np(error_number);
  const char* text = ::strerrordesc_np(error_number);
  return {error_number,
          fmt::format("{}: {} ({}){}", what, text ? text : "?", name ? name : "?", more)};
}

Descriptor lifted(Descriptor fd) {
  if (fd.get() < 0 || fd.get() > 2) return fd;
  return Descriptor(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

// Absolute, for whoever starts it may stand elsewhere: the keeper stands at "/". Another user gets
// "/" when nothing is configured: the leaf's own directory may be closed to it.
std::string working_directory_of(const TargetConfig& config) {
  if (config.cwd.empty() && !config.process.user.empty()) return "/";
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  return error ? config.cwd : config.cwd.empty() ? here.string() : (here / config.cwd).string();
}

tl::expected<LaunchFrame, LaunchError> LaunchFrame::prepare(const TargetConfig& config,
                                                            const TargetUser& user,
                                                            const Environment& environment,
                                                            Descriptor input) {
  LaunchFrame made;
  made.config_ = config;
  made.user_ = user;
  made.working_directory_ = working_directory_of(config);
  made.arguments_ = config.command;
  const auto program = find_program(config.command[0], path_variable(environment), config.cwd);
  if (!program) {
    return tl::unexpected<LaunchError>(
        launch_error("exec " + config.command[0], program.error(), "; looked for in PATH"));
  }
  made.program_ = *program;
  made.environment_ = lines_of(environment);
  if (config.process.oom_score_adj) {
    made.oom_score_adj_ = std::to_string(*config.process.oom_score_adj);
  }
  for (const auto& [kind, limit] : config.process.limits) {
    made.limits_.push_back({resource_of(kind), {limit.soft, limit.hard}});
  }
  made.input_ = std::move(input);
  if (!made.input_) {
    auto opened = open_input(config.process.input);
    if (!opened) return tl::unexpected<LaunchError>(opened.error());
    made.input_ = *std::move(opened);
  }
  return made;
}

ChildFrame LaunchFrame::frame() {
  ChildFrame frame;
  for (auto& line : environment_) {
    if (line != watchdog_pid) continue;
    line.resize(watchdog_pid.size() + pid_room);
    frame.pid_text = line.data() + watchdog_pid.size();
  }
  argument_pointers_ = pointers_to(arguments_);
  environment_pointers_ = pointers_to(environment_);
  frame.path = program_.c_str();
  frame.arguments = argument_pointers_.data();
  frame.environment = environment_pointers_.data();
  if (!working_directory_.empty()) frame.working_directory = working_directory_.c_str();
  frame.input = input_.get();
  frame.limits = limits_.data();
  frame.limit_count = limits_.size();
  frame.groups = user_.groups.data();
  frame.group_count = user_.groups.size();
  if (!oom_score_adj_.empty()) frame.oom_score_adj = oom_score_adj_.c_str();
  frame.oom_score_size = oom_score_adj_.size();
  set_scalars(frame);
  return frame;
}

void LaunchFrame::set_scalars(ChildFrame& frame) const {
  const ProcessConfig& process = config_.process;
  frame.umask = config_.umask ? static_cast<int>(*config_.umask) : -1;
  frame.change_groups = user_.change_groups;
  frame.group = user_.group;
  frame.user = user_.user;
  frame.change_nice = process.nice.has_value();
  frame.nice = process.nice.value_or(0);
  frame.no_new_privs = process.no_new_privs;
  frame.cgroup_needed = process.memory_max > 0 || process.cpu_max > 0;
  if (!process.io_priority) return;
  const auto& [kind, level] = *process.io_priority;
  const int number = kind == IoClass::idle ? 0 : static_cast<int>(level);
  frame.io_priority = (static_cast<int>(kind) << io_class_shift) | number;
}

LaunchError LaunchFrame::error_of(LaunchStage stage, int error_number, std::size_t detail) const {
  const auto error = [&](const std::string& what) { return launch_error(what, error_number); };
  switch (stage) {
    case LaunchStage::clone:
      return error("clone");
    case LaunchStage::cgroup:
      return error("join the target's cgroup");
    case LaunchStage::session:
      return error("setsid");
    case LaunchStage::limits:
      return error("limits" + (detail < limits_.size()
                                   ? fmt::format(".{}", name_of(limits_[detail].resource))
                                   : ""));
    case LaunchStage::nice:
      return error(fmt::format("nice {}", config_.process.nice.value_or(0)));
    case LaunchStage::io_priority:
      return error("io_class");
    case LaunchStage::oom_score:
      return error("oom_score_adj " + oom_score_adj_);
    case LaunchStage::groups:
      return error("set groups");
    case LaunchStage::group:
      return error(fmt::format("group {}", user_.group));
    case LaunchStage::user:
      return error("user " + config_.process.user);
    case LaunchStage::working_directory:
      return error("chdir " + (config_.cwd.empty() ? working_directory_ : config_.cwd));
    case LaunchStage::no_new_privs:
      return error("no_new_privs");
    case LaunchStage::descriptors:
      return error("place descriptors");
    case LaunchStage::execute:
      break;
  }
  const bool interpreter = error_number == ENOENT && exists(config_, program_);
  return launch_error("exec " + program_, error_number,
                      interpreter ? "; the file exists: its interpreter does not" : "");
}

}  // namespace banyan::leaf

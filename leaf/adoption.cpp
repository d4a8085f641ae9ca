#include "leaf/adoption.h"

#include <string_view>

#include "common/base/digest.h"

namespace banyan::leaf {

namespace {

// Each part with its length before it: no two lists of parts give the same text.
class LaunchText {
 public:
  void add(std::string_view part) {
    text_ += std::to_string(part.size());
    text_ += ':';
    text_ += part;
  }
  template <class Number>
  void number(Number value) {
    add(std::to_string(value));
  }
  template <class Number>
  void number(const std::optional<Number>& value) {
    add(value ? std::to_string(*value) : "-");
  }
  void list(const std::vector<std::string>& parts) {
    for (const std::string& part : parts) add(part);
    end();
  }
  void end() { text_ += '|'; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_process(const ProcessConfig& process, LaunchText& text) {
  text.add(process.env_file);
  text.add(process.user);
  text.add(process.group);
  text.list(process.groups);
  text.add(process.input);
  for (const auto& [kind, limit] : process.limits) {
    text.number(static_cast<int>(kind));
    text.number(limit.soft);
    text.number(limit.hard);
  }
  text.end();
  text.number(process.nice);
  if (process.io_priority) {
    text.number(static_cast<int>(process.io_priority->kind));
    text.number(process.io_priority->level);
  }
  text.end();
  text.number(process.oom_score_adj);
  text.number(process.no_new_privs ? 1 : 0);
  text.number(process.memory_max);
  text.number(process.cpu_max);
}

// What a target is told of how it may speak to the leaf.
void add_channels(const TargetConfig& config, LaunchText& text) {
  const CheckConfig& ready = config.ready.check;
  text.number(ready.kind == CheckKind::notify ? 1 : 0);
  text.number(ready.kind == CheckKind::fd ? ready.fd : -1);
  text.number(config.watchdog > Duration::zero() ? 1 : 0);
}

}  // namespace

std::uint64_t launch_hash(const TargetConfig& config) {
  LaunchText text;
  text.list(config.command);
  for (const auto& [name, value] : config.env) {
    text.add(name);
    text.add(value);
  }
  text.end();
  text.add(config.cwd);
  text.number(config.umask);
  add_process(config.process, text);
  add_channels(config, text);
  return fact_hash("", 0, "launch", text.text()).low;
}

}  // namespace banyan::leaf

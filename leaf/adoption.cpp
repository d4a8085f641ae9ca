#include "leaf/adoption.h"

#include "common/base/digest.h"

namespace banyan::leaf {

std::uint64_t launch_hash(const TargetConfig& config) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  };
  for (const std::string& word : config.command) add(word);
  text += '|';
  for (const auto& [name, value] : config.env) {
    add(name);
    add(value);
  }
  text += '|';
  add(config.cwd);
  text += config.umask ? std::to_string(*config.umask) : "-";
  return fact_hash("", 0, "launch", text).low;
}

}  // namespace banyan::leaf

#include "common/tree/command_guard.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/hex.h"
#include "common/base/name.h"
#include "common/tree/command_key.h"
#include "common/tree/selector.h"

namespace banyan::tree {
namespace {

std::string shown_key(const std::string& key) { return hex_of_bytes(key.substr(0, 8)); }

std::string shown_issuer(const std::string& path) { return path.empty() ? "the root" : path; }

std::int64_t in_seconds(Duration duration) { return duration / seconds{1}; }

// This node as if it stood in the issuer's tree, with nothing around it.
class Standing {
 public:
  Standing(const std::string& path, const Mirror::Node& self) : path_(path) {
    copy(self, v1::FACT_KIND_NODE, "");
    for (const auto& target : self.target_names()) copy(self, v1::FACT_KIND_TARGET, target);
  }
  // Null when nothing is known of it.
  const Mirror::Node* node() const { return mirror_.find(path_); }

 private:
  void copy(const Mirror::Node& self, v1::FactKind kind, const std::string& id) {
    const auto fact = self.find_fact(kind, id).value_or(FactValue{});
    Changes ignored;
    // It was good where it comes from; of a node that has not said anything an empty one stands.
    static_cast<void>(mirror_.set({path_, kind, id}, fact.instance, fact.bytes, ignored));
  }

  std::string path_;
  Mirror mirror_;
};

}  // namespace

CommandGuard::CommandGuard(CommandTrust trust, CommandMarks marks)
    : trust_(std::move(trust)), marks_(std::move(marks)) {
  for (const auto& [key, mark] : marks_) closed_.insert(key);
}

Result<CommandGuard::Believed> CommandGuard::check(const v1::Request& request, Now now) {
  if (!request.has_signed_command()) return failure("it is not signed");
  const v1::SignedCommand& made = request.signed_command();
  const auto known = std::find_if(trust_.keys.begin(), trust_.keys.end(),
                                  [&](const CommandKey& each) { return each.key == made.key(); });
  if (known == trust_.keys.end()) {
    return failure(fmt::format("it is signed by the key {}, which is not among command_keys",
                               shown_key(made.key())));
  }
  if (!is_signature_of(made)) {
    return failure(fmt::format("its signature is not the one of {} (key {}): forged or altered",
                               shown_issuer(known->path), shown_key(made.key())));
  }
  Believed believed;
  believed.issuer = known->path;
  if (!believed.command.ParseFromString(made.command())) return failure("it cannot be read");
  if (believed.command.SerializeAsString() != request.command().SerializeAsString()) {
    return failure(
        fmt::format("it was altered on its way: {} signed another one", shown_issuer(known->path)));
  }
  if (auto fresh = check_age(believed.command, now); !fresh) return tl::unexpected(fresh.error());
  if (auto next = check_order(made.key(), believed.command); !next) {
    return tl::unexpected(next.error());
  }
  return believed;
}

Status CommandGuard::check_age(const v1::Command& command, Now now) const {
  const Duration age = milliseconds{wall_ms(now.wall) - command.issued_ms()};
  const Duration limit = milliseconds{command.max_age_ms()} + clock_tolerance;
  if (age > limit) {
    return failure(
        fmt::format("it was issued {} s ago by the clock of this host, at most {} s are "
                    "allowed: repeated, held back, or a clock is wrong",
                    in_seconds(age), in_seconds(limit)));
  }
  if (-age > clock_tolerance) {
    return failure(
        fmt::format("it was issued {} s ahead of the clock of this host, at most {} s are allowed: "
                    "one of the clocks is wrong",
                    in_seconds(-age), in_seconds(clock_tolerance)));
  }
  return {};
}

Status CommandGuard::check_order(const std::string& key, const v1::Command& command) {
  CommandMark next{command.epoch(), command.sequence(), command.id()};
  const auto found = marks_.find(key);
  const CommandMark last = found == marks_.end() ? CommandMark() : found->second;
  const bool open = found != marks_.end() && !closed_.contains(key);
  if (open && next == last) return {};
  const auto order = [](const CommandMark& mark) { return std::pair(mark.epoch, mark.sequence); };
  if (order(next) <= order(last)) {
    return failure("it is older than one that was taken already: repeated, or overtaken");
  }
  marks_[key] = std::move(next);
  closed_.erase(key);
  return {};
}

void CommandGuard::close(const std::string& id) {
  for (const auto& [key, mark] : marks_) {
    if (mark.id == id) closed_.insert(key);
  }
}

void CommandGuard::reopen(const std::string& id) {
  for (const auto& [key, mark] : marks_) {
    if (mark.id == id) closed_.erase(key);
  }
}

std::vector<std::string> CommandGuard::places(const std::string& issuer) const {
  std::vector<std::string> found;
  for (const std::string& enrolled : trust_.enrolled) {
    if (issuer.empty()) {
      found.push_back(enrolled);
    } else if (enrolled.starts_with(issuer + "/")) {
      found.push_back(enrolled.substr(issuer.size() + 1));
    }
  }
  return found;
}

std::set<std::string> CommandGuard::targets(const Believed& believed, const Mirror& self) const {
  std::set<std::string> named;
  const auto selector = Selector::parse(believed.command.selector());
  if (!selector) return named;
  const bool groups = believed.command.verb() == "scale";
  for (const std::string& place : places(believed.issuer)) {
    const Standing standing(place, self.top());
    if (standing.node() == nullptr) continue;
    for (const auto& name : standing.node()->target_names()) {
      const TargetRef target{standing.node(), name};
      if (!selector->names(target)) continue;
      named.insert(name);
      if (groups) named.insert(target.fact().group());
    }
  }
  return named;
}

bool CommandGuard::names_child(const Believed& believed, const Mirror& self,
                               const std::string& child) const {
  const auto selector = Selector::parse(believed.command.selector());
  const Mirror::Node* held = self.find(child);
  if (!selector || held == nullptr) return false;
  const auto above = places(believed.issuer);
  return std::any_of(above.begin(), above.end(), [&](const std::string& place) {
    const Standing standing(join_path(place, child), *held);
    return standing.node() != nullptr && selector->names(*standing.node());
  });
}

}  // namespace banyan::tree

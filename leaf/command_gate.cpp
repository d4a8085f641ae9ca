#include "leaf/command_gate.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/tree/command_refusal.h"

namespace banyan::leaf {
namespace {

bool is_known(const tree::Mirror& self, const std::string& target) {
  const auto names = self.top().target_names();
  return self.top().has_target(target) ||
         std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           return self.top().target(name).value_or(v1::TargetFact()).group() == target;
         });
}

}  // namespace

CommandGate::CommandGate(Setting setting)
    : guard_(std::move(setting.trust), std::move(setting.marks)),
      allow_(std::move(setting.allow)) {}

std::string CommandGate::objection(const v1::Command& command) const {
  const std::string& verb = command.verb();
  if (allow_.verbs && !allow_.verbs->contains(verb)) {
    return fmt::format("[allow] of this leaf does not name the verb {}",
                       visible(verb.substr(0, 32)));
  }
  if (verb == "signal" && allow_.signals && !allow_.signals->contains(command.signal())) {
    return "[allow] of this leaf does not name the signal " + signal_name(command.signal());
  }
  return {};
}

std::optional<tree::OwnEvent> CommandGate::tell(tree::OwnEvent event, Now now) {
  std::string more;
  if (!meter_.may_tell(now.time, more)) return std::nullopt;
  event.text += more;
  return event;
}

CommandGate::Judged CommandGate::judge(const v1::Request& request, const tree::Mirror& self,
                                       Now now) {
  Judged judged;
  const auto refuse = [&](const v1::Request& part, const std::string& subject,
                          const std::string& why) {
    v1::Outcomes outcomes = tree::rejected(part, why);
    judged.refused.MergeFrom(outcomes);
    judged.refused.set_id(request.command().id());
    auto event = tell(tree::command_refused(part, subject, why), now);
    if (event) judged.events.push_back(std::move(*event));
  };
  tree::CommandGuard::Believed believed{request.command(), {}};
  if (guard_.active()) {
    const auto marks = guard_.marks();
    auto checked = guard_.check(request, now);
    if (!checked) {
      refuse(request, "", checked.error().text());
      return judged;
    }
    judged.marked = marks != guard_.marks();
    believed = std::move(*checked);
  }
  if (const std::string no = objection(believed.command); !no.empty()) {
    refuse(request, "", no);
    return judged;
  }
  judged.admitted = request;
  judged.admitted.clear_targets();
  v1::Request unnamed = judged.admitted;
  const auto targets = guard_.active() ? guard_.targets(believed, self) : std::set<std::string>();
  for (const v1::RequestTarget& target : request.targets()) {
    const bool named =
        !guard_.active() || targets.contains(target.target()) || !is_known(self, target.target());
    *(named ? judged.admitted : unnamed).add_targets() = target;
  }
  for (const v1::RequestTarget& target : unnamed.targets()) {
    v1::Request part = unnamed;
    part.clear_targets();
    *part.add_targets() = target;
    refuse(part, target.target(),
           "the selector that was signed does not name it under any path by which this leaf was "
           "enrolled");
  }
  return judged;
}

CommandGate::Judged CommandGate::refuse(const v1::Request& request, const std::string& why,
                                        Now now) {
  Judged judged;
  judged.refused = tree::rejected(request, why);
  auto event = tell(tree::command_refused(request, "", why), now);
  if (event) judged.events.push_back(std::move(*event));
  return judged;
}

std::optional<tree::OwnEvent> CommandGate::repeated(const v1::Request& request, std::size_t targets,
                                                    Now now) {
  if (!guard_.active() || targets == 0) return std::nullopt;
  return tell(tree::command_refused(request, "",
                                    "it came again, for targets that it had been for already; "
                                    "nothing was done"),
              now);
}

}  // namespace banyan::leaf

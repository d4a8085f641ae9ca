#include "common/tree/command_refusal.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/hex.h"
#include "common/base/text.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_shown = 200;

std::string shown(const std::string& text) { return visible(text.substr(0, max_shown)); }

std::string hex(const std::string& bytes) { return hex_of_bytes(bytes.substr(0, 32)); }

// For JSON, where nothing has to be escaped in it.
std::string plain_word(const std::string& word) {
  const bool plain = word.size() <= 32 && std::all_of(word.begin(), word.end(),
                                                      [](char c) { return c >= 'a' && c <= 'z'; });
  return plain ? word : "";
}

std::string paths_of(const v1::Request& request) {
  std::string text;
  for (int i = 0; i < std::min(request.targets_size(), 3); ++i) {
    text += (i == 0 ? "" : ", ") + shown(request.targets(i).target());
  }
  if (request.targets_size() > 3) text += fmt::format(" and {} more", request.targets_size() - 3);
  return text;
}

}  // namespace

OwnEvent command_refused(const v1::Request& request, const std::string& subject,
                         const std::string& why) {
  const v1::Command& command = request.command();
  const std::string about = subject.empty() ? paths_of(request) : subject;
  OwnEvent event;
  event.kind = "command_refused";
  event.subject = shown(subject);
  event.text = fmt::format("{} {}: {} (selector {}, issuer {})", shown(command.verb()),
                           shown(about), why, shown(command.selector()), shown(command.issuer()));
  event.data = fmt::format(R"({{"id":"{}","verb":"{}","key":"{}"}})", hex(command.id()),
                           plain_word(command.verb()), hex(request.signed_command().key()));
  return event;
}

v1::Outcomes rejected(const v1::Request& request, const std::string& why) {
  v1::Outcomes outcomes;
  outcomes.set_id(request.command().id());
  for (const v1::RequestTarget& target : request.targets()) {
    v1::Outcome& outcome = *outcomes.add_outcomes();
    outcome.set_path(target.path());
    outcome.set_target(target.target());
    outcome.set_kind(v1::OUTCOME_KIND_REJECTED);
    outcome.set_reason(why);
  }
  return outcomes;
}

}  // namespace banyan::tree

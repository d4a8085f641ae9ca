#include "common/io/enrol_desk.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/io/link_keys.h"

namespace banyan::io {
namespace {

EnrolDesk::Judged refuse(EnrolDesk::Judged judged, const char* reason, std::string text) {
  judged.answer.set_admitted(false);
  judged.answer.set_reason(reason);
  judged.answer.set_text(std::move(text));
  return judged;
}

// Both the file and what is in force must be without this name and this key.
std::optional<std::string> conflict(const KeyList& list, const std::string& name,
                                    const std::string& key) {
  if (const auto holder = list.find(key); holder != nullptr && holder->name != name) {
    return fmt::format("the key {} is the one of {} already", fingerprint(key), holder->name);
  }
  const auto held = list.names().find(name);
  if (held == list.names().end() || held->second == key) return std::nullopt;
  return fmt::format("the name {} has a key already, {}", name, fingerprint(held->second));
}

}  // namespace

void EnrolDesk::refresh() {
  struct stat found {};
  Version now;
  if (::stat(file_.path().c_str(), &found) == 0) {
    now = {found.st_ino, found.st_size,
           found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec};
  }
  if (now == read_) return;
  auto tokens = file_.load();
  if (!tokens) return;  // asked again with the next key that is not known
  tokens_ = *std::move(tokens);
  read_ = now;
}

bool EnrolDesk::knows(const std::string& key) {
  refresh();
  return tokens_.contains(key);
}

EnrolDesk::Judged EnrolDesk::judge(const std::string& token, std::string_view bytes,
                                   const KeyList& list, WallTime now) {
  refresh();
  Judged judged;
  const auto known = tokens_.find(token);
  if (known == tokens_.end()) return refuse(judged, "expired", "this token is not known any more");
  const Token& given = known->second;
  judged.name = given.name;
  judged.role = given.role;
  v1::EnrolAsk ask;
  if (bytes.size() > max_ask || !ask.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !is_key(ask.key())) {
    return refuse(judged, "bad_ask", "what came by it is no request to join");
  }
  judged.key = ask.key();
  if (ask.name() != given.name) {
    return refuse(judged, "name",
                  fmt::format("this token is for {}, not for {}", given.name,
                              visible(ask.name().substr(0, 64))));
  }
  if (!given.used_by.empty() && given.used_by != ask.key()) {
    return refuse(
        judged, "used",
        fmt::format("this token was used already, by the key {}", fingerprint(given.used_by)));
  }
  const auto file = KeyList::load(list_file_);
  if (!file) {
    return refuse(judged, "list",
                  "the parent's list of keys has a mistake: " + file.error().text());
  }
  const bool listed = file->find(ask.key()) != nullptr && list.find(ask.key()) != nullptr;
  if (!given.used_by.empty() && listed) {
    judged.answer.set_admitted(true);
    return judged;
  }
  if (!given.used_by.empty()) {
    return refuse(judged, "used", "this token was used, and the key was struck off since");
  }
  if (now > given.expires) {
    return refuse(judged, "expired",
                  fmt::format("this token ended {} ago", format_duration(now - given.expires)));
  }
  for (const KeyList* each : {&*file, &list}) {
    if (auto why = conflict(*each, given.name, ask.key())) return refuse(judged, "key", *why);
  }
  if (file->find(ask.key()) == nullptr) {
    const auto added = add_to_list(list_file_, {ask.key(), given.name, given.role});
    if (!added) return refuse(judged, "list", added.error().text());
  }
  if (auto used = file_.use(token, ask.key()); !used) {
    return refuse(judged, "list", used.error().text());
  }
  judged.added = true;
  judged.answer.set_admitted(true);
  return judged;
}

}  // namespace banyan::io

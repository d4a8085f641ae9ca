#include "leaf/io/target_user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace banyan::leaf {
namespace {

constexpr std::size_t entry_bytes_max = 1 << 20;
constexpr int groups_max = 1024;

std::optional<unsigned> number_of(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  // All ones means "leave it" to the kernel.
  return whole && value != ~0U ? std::optional(value) : std::nullopt;
}

struct Account {
  std::string name;
  std::string home;
  unsigned user = 0;
  unsigned group = 0;
};

// `look_up` is one of the get..._r functions without their last four arguments.
template <class Entry, class LookUp, class Use>
bool look_up_entry(LookUp look_up, Use use) {
  std::string buffer(1024, '\0');
  while (true) {
    Entry entry = {};
    Entry* found = nullptr;
    const int error = look_up(&entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE && buffer.size() < entry_bytes_max) {
      buffer.resize(buffer.size() * 4);
      continue;
    }
    if (found == nullptr) return false;
    use(*found);
    return true;
  }
}

std::optional<Account> account_of(const std::string& user) {
  std::optional<Account> account;
  const auto take = [&](const passwd& entry) {
    account = Account{entry.pw_name, entry.pw_dir, entry.pw_uid, entry.pw_gid};
  };
  const auto by_name = [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwnam_r(user.c_str(), entry, buffer, size, found);
  };
  if (look_up_entry<passwd>(by_name, take)) return account;
  const auto number = number_of(user);
  if (!number) return std::nullopt;
  const auto by_number = [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwuid_r(*number, entry, buffer, size, found);
  };
  // A number needs no account.
  if (!look_up_entry<passwd>(by_number, take)) account = Account{{}, {}, *number, *number};
  return account;
}

std::optional<unsigned> group_of(const std::string& group) {
  std::optional<unsigned> id;
  const auto take = [&](const ::group& entry) { id = entry.gr_gid; };
  const auto by_name = [&](::group* entry, char* buffer, std::size_t size, ::group** found) {
    return ::getgrnam_r(group.c_str(), entry, buffer, size, found);
  };
  if (look_up_entry<::group>(by_name, take)) return id;
  return number_of(group);
}

std::vector<unsigned> groups_of(const Account& account, unsigned group) {
  if (account.name.empty()) return {group};
  std::vector<gid_t> ids(groups_max);
  int count = groups_max;
  if (::getgrouplist(account.name.c_str(), group, ids.data(), &count) < 0) count = groups_max;
  ids.resize(static_cast<std::size_t>(count));
  return {ids.begin(), ids.end()};
}

}  // namespace

Result<TargetUser> find_target_user(const ProcessConfig& config) {
  TargetUser target;
  std::optional<Account> account;
  if (!config.user.empty()) {
    account = account_of(config.user);
    if (!account) return failure("no such user", config.user, {}, "see getent passwd");
    target.name = account->name;
    target.home = account->home;
  }
  auto group = account ? account->group : ::getegid();
  if (!config.group.empty()) {
    const auto found = group_of(config.group);
    if (!found) return failure("no such group", config.group, {}, "see getent group");
    group = *found;
  }
  std::vector<unsigned> more;
  for (const auto& name : config.groups) {
    const auto found = group_of(name);
    if (!found) return failure("no such group", name, {}, "see getent group");
    more.push_back(*found);
  }
  const bool same_user = !account || account->user == ::geteuid();
  const bool unprivileged = ::geteuid() != 0;
  if (same_user && unprivileged && group == ::getegid() && more.empty()) return target;
  if (!account && config.group.empty() && more.empty()) return target;
  if (account) target.user = account->user;
  target.group = group;
  target.change_groups = true;
  target.groups = groups_of(account.value_or(Account{}), group);
  target.groups.insert(target.groups.end(), more.begin(), more.end());
  std::sort(target.groups.begin(), target.groups.end());
  target.groups.erase(std::unique(target.groups.begin(), target.groups.end()), target.groups.end());
  return target;
}

}  // namespace banyan::leaf

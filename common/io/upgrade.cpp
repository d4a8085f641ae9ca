#include "common/io/upgrade.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace banyan::io {
namespace {

using std::chrono::steady_clock;

constexpr auto calm_patience = std::chrono::seconds{10};
constexpr auto patience = std::chrono::seconds{15};
constexpr auto look_again = std::chrono::milliseconds{2};
constexpr std::size_t reason_max = 1000;

}  // namespace

Upgrade::Upgrade(boost::asio::io_context& loop, Invocation invocation, Hooks hooks)
    : invocation_(std::move(invocation)), hooks_(std::move(hooks)), trial_(loop), timer_(loop) {}

void Upgrade::request() {
  if (busy_) return;
  busy_ = true;
  trial_.start(invocation_, [this](const Status& accepted) {
    if (!accepted) return refuse(accepted.error().text());
    begun_ = steady_clock::now();
    wait_for_moment();
  });
}

void Upgrade::wait_for_moment() {
  const auto waited = steady_clock::now() - begun_;
  if (hooks_.ready(waited < calm_patience)) return replace();
  if (waited >= patience) return refuse("what is under way does not come to an end");
  timer_.expires_after(look_again);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) wait_for_moment();
  });
}

void Upgrade::replace() {
  const Legacy legacy = hooks_.leave();
  refuse(replace_program(invocation_, legacy.handover, legacy.descriptors).text());
}

void Upgrade::refuse(const std::string& why) {
  busy_ = false;
  hooks_.refused(why);
}

tree::OwnEvent upgraded_event(const std::string& old_version) {
  const auto old_text = visible(old_version);
  return {"upgraded", "", fmt::format("from {} to {}", old_text, BANYAN_VERSION),
          fmt::format(R"({{"old_version":"{}","new_version":"{}"}})", old_text, BANYAN_VERSION)};
}

tree::OwnEvent upgrade_refused_event(const std::string& why) {
  return {"upgrade_refused", "", visible(why.substr(0, reason_max)), "{}"};
}

}  // namespace banyan::io

#include "common/io/upgrade.h"

#include <fmt/format.h>

#include "common/base/text.h"

namespace banyan::io {
namespace {

using std::chrono::steady_clock;

constexpr auto calm_patience = std::chrono::seconds{10};
constexpr auto patience = std::chrono::seconds{15};
constexpr auto look_again = std::chrono::milliseconds{2};
constexpr int hands_of_a_signal = 3;
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
  if (hooks_.ready(waited < calm_patience)) {
    if (is_heard_out()) return replace();
    return look_in(std::chrono::milliseconds{0});
  }
  held_.reset();
  if (waited >= patience) return refuse("what is under way does not come to an end");
  look_in(look_again);
}

// A signal passes three hands in the loop before its handler: the reactor, the descriptor's
// operation, the signal's own. Each look is behind one of them.
bool Upgrade::is_heard_out() {
  if (held_) return --looks_left_ <= 0;
  held_.emplace();
  looks_left_ = hands_of_a_signal + 1;
  return false;
}

void Upgrade::look_in(std::chrono::milliseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) wait_for_moment();
  });
}

void Upgrade::replace() {
  const Legacy legacy = hooks_.leave();
  refuse(replace_program(invocation_, legacy.handover, legacy.descriptors).text());
}

void Upgrade::refuse(const std::string& why) {
  held_.reset();
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

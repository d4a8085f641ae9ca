#include "leaf/io/only_target.h"

#include <csignal>

namespace banyan::leaf {

OnlyTarget::OnlyTarget(boost::asio::io_context& loop, Hooks hooks)
    : hooks_(std::move(hooks)), signals_(loop) {}

void OnlyTarget::begin(const TargetConfig& target, const std::map<int, int>& rewrite) {
  target_ = target;
  rewrite_ = rewrite;
  for (const int number : {SIGUSR1, SIGQUIT, SIGWINCH}) signals_.add(number);
  wait();
}

void OnlyTarget::wait() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    on_signal(number);
    wait();
  });
}

void OnlyTarget::on_signal(int number) {
  const auto entry = rewrite_.find(number);
  const bool rewritten = entry != rewrite_.end();
  const int meant = rewritten ? entry->second : number;
  if (meant == 0) return;
  const bool asks_to_end = number == SIGTERM || number == SIGINT;
  if (asks_to_end || meant == SIGTERM || meant == SIGINT) {
    hooks_.stop(rewritten ? meant : 0);
  } else {
    hooks_.forward(meant);
  }
}

}  // namespace banyan::leaf

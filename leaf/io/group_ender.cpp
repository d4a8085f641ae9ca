#include "leaf/io/group_ender.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

namespace banyan::leaf {
namespace {

using std::chrono::steady_clock;

constexpr Duration patience = seconds{3};
constexpr Duration pause_min = milliseconds{1};
constexpr Duration pause_max = milliseconds{64};
constexpr Duration look_after = milliseconds{250};

}  // namespace

GroupEnder::GroupEnder(boost::asio::io_context& loop, SubtreeEnder& walker, const GroupHooks& hooks,
                       std::function<void(const std::string&)> trouble)
    : walker_(walker),
      hooks_(hooks),
      trouble_(std::move(trouble)),
      timer_(loop),
      look_timer_(loop),
      pause_(pause_min) {}

bool GroupEnder::end(Job job, SubtreeEnder::Done done) {
  const auto killed = hooks_.kill ? hooks_.kill(job.target, job.generation) : std::nullopt;
  if (!killed) return false;
  if (*killed == 0) {
    ended_.insert(job.mark);
    look_later();
    boost::asio::post(timer_.get_executor(), [done = std::move(done)] { done({}); });
    return true;
  }
  pause_ = pause_min;
  jobs_.push_back({std::move(job), std::move(done), *killed, steady_clock::now() + patience});
  plan();
  return true;
}

void GroupEnder::plan() {
  timer_.expires_after(pause_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) round();
  });
}

void GroupEnder::round() {
  const auto now = steady_clock::now();
  std::vector<Running> jobs;
  std::vector<std::pair<SubtreeEnder::Done, SubtreeResult>> ended;
  jobs.swap(jobs_);
  for (Running& running : jobs) {
    const unsigned left = hooks_.left(running.job.target, running.job.generation);
    if (left > 0 && now < running.deadline) {
      jobs_.push_back(std::move(running));
      continue;
    }
    ended_.insert(running.job.mark);
    ended.emplace_back(std::move(running.done), SubtreeResult{running.killed, left});
  }
  pause_ = std::clamp(pause_ * 2, pause_min, pause_max);
  if (!jobs_.empty()) plan();
  if (!ended.empty()) look_later();
  for (auto& [done, result] : ended) done(result);
}

// The first one that waits sets the time: a steady stream of ends does not put it off.
void GroupEnder::look_later() {
  if (look_timer_.expiry() > steady_clock::now()) return;
  look_timer_.expires_after(look_after);
  look_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

void GroupEnder::look() {
  for (const auto& mark : std::exchange(ended_, {})) {
    looking_.insert(mark);
    walker_.end({mark, 0}, [this, mark](const SubtreeResult& result) {
      looking_.erase(mark);
      if (result.killed + result.unkillable == 0) return;
      trouble_(fmt::format("run={} ended {} processes outside of its control group ({} remain)",
                           mark, result.killed, result.unkillable));
    });
  }
}

void GroupEnder::look_now() {
  ended_.merge(looking_);  // the loop has stopped: nobody ends that look
  if (!ended_.empty()) walker_.end_now(std::exchange(ended_, {}));
}

}  // namespace banyan::leaf

#include "leaf/io/ready_pipes.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <boost/asio/post.hpp>

namespace banyan::leaf {

using boost::system::error_code;

void ReadyPipes::keep(const Key& key, Descriptor pipe) {
  pipes_.erase(key);
  boost::asio::posix::stream_descriptor stream(loop_, pipe.release());
  pipes_.emplace(key, Waiting{std::move(stream), {}, 0});
}

std::map<ReadyPipes::Key, int> ReadyPipes::held() {
  std::map<Key, int> all;
  for (auto& [key, waiting] : pipes_) all.emplace(key, waiting.pipe.native_handle());
  return all;
}

void ReadyPipes::run(const Key& key, CheckDone done) {
  const auto entry = pipes_.find(key);
  if (entry == pipes_.end()) {
    boost::asio::post(loop_, [done = std::move(done)] {
      done({Health::unknown, "the target was launched without this descriptor"});
    });
    return;
  }
  entry->second.done = std::move(done);
  entry->second.number = ++last_;
  wait(key, last_);
}

void ReadyPipes::stop(const Key& key) {
  const auto entry = pipes_.find(key);
  if (entry != pipes_.end()) entry->second.done = nullptr;
}

void ReadyPipes::forget(const Key& key) { pipes_.erase(key); }

void ReadyPipes::wait(const Key& key, std::uint64_t number) {
  pipes_.at(key).pipe.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [this, key, number](const error_code& error) {
                                   const auto entry = pipes_.find(key);
                                   const bool same = entry != pipes_.end() && entry->second.done &&
                                                     entry->second.number == number;
                                   if (!error && same) read(key, entry->second);
                                 });
}

void ReadyPipes::read(const Key& key, Waiting& waiting) {
  char buffer[512];
  const auto size = ::read(waiting.pipe.native_handle(), buffer, sizeof buffer);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return wait(key, waiting.number);
  if (size <= 0) return finish(key, {Health::unhealthy, "closed without a newline"});
  const bool said = std::memchr(buffer, '\n', static_cast<std::size_t>(size)) != nullptr;
  if (!said) return wait(key, waiting.number);
  finish(key, {Health::healthy, "said so"});
}

void ReadyPipes::finish(const Key& key, CheckAnswer answer) {
  const auto done = std::move(pipes_.at(key).done);
  pipes_.erase(key);
  done(std::move(answer));
}

}  // namespace banyan::leaf

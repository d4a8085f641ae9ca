#pragma once
// Server-sent events: items published once, written to every subscriber who asked for them, at
// once.
//
// The newest items are kept in a ring, so that a client that comes back with Last-Event-ID misses
// nothing; when it cannot be helped it gets a `gap`. Items are made only while somebody listens, or
// did a minute ago. Bounds: subscribers; the ring; the bytes that wait for a slow subscriber (he is
// hung up on). Single threaded.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"
#include "common/tree/selector.h"
#include "common/view/api_effects.h"

namespace banyan::view {

enum class Topic : unsigned { events = 1, targets = 2, nodes = 4, outages = 8 };
inline constexpr unsigned all_topics = 15;
const char* name_of(Topic topic);

struct Subscription {
  tree::ExchangeId exchange = 0;
  unsigned topics = all_topics;
  tree::Selector selector;
  std::optional<std::uint64_t> last_id;  // seen before
};

class StreamHub {
 public:
  static constexpr std::size_t ring_size = 4'096;
  static constexpr std::size_t ring_bytes = 16U << 20U;
  static constexpr std::size_t max_subscribers = 1'000;
  static constexpr std::size_t max_waiting = 8U << 20U;
  static constexpr Duration comment_every = seconds{15};
  static constexpr Duration kept_for = seconds{60};

  StreamHub(const tree::Mirror& mirror, std::uint64_t first_id)
      : mirror_(mirror), last_id_(first_id), ring_begin_(first_id) {}

  // False: there are too many.
  bool subscribe(Subscription subscription, Now now, ApiEffects& effects);
  // Items that only this subscriber gets (a snapshot); they carry the id of the newest item.
  void send_alone(tree::ExchangeId exchange, std::string frames, ApiEffects& effects);
  std::string frame(Topic topic, std::string_view json) const;

  // Whether anybody would see, or could come back for, items of this topic.
  bool wants(Topic topic) const { return active_ && (topics_ & static_cast<unsigned>(topic)) != 0; }
  bool active() const { return active_; }
  // `path` from the top, for the selectors.
  void publish(Topic topic, std::string_view path, std::string_view json, ApiEffects& effects);
  // Everybody has missed something that was too much to tell.
  void publish_gap(std::string_view reason, ApiEffects& effects);

  void on_drained(tree::ExchangeId exchange);
  void on_closed(tree::ExchangeId exchange, Now now);
  void on_time(Now now, ApiEffects& effects);
  Time next_deadline() const;

  std::size_t subscribers() const { return subscribers_.size(); }
  std::uint64_t last_id() const { return last_id_; }
  std::uint64_t hung_up() const { return hung_up_; }

 private:
  struct Item {
    std::uint64_t id = 0;
    Topic topic = Topic::events;
    std::string path;
    std::string frame;
  };
  struct Subscriber {
    Subscription asked;
    std::size_t waiting = 0;  // bytes handed over since it was drained last
    std::size_t allowed = max_waiting;
    Time comment_at = never;
  };

  bool matches(const Subscription& subscription, const Item& item) const;
  bool send(Subscriber& subscriber, std::string bytes, ApiEffects& effects);
  void replay(Subscriber& subscriber, std::uint64_t last_id, ApiEffects& effects);
  void keep(Item item);

  const tree::Mirror& mirror_;
  std::map<tree::ExchangeId, Subscriber> subscribers_;
  std::deque<Item> ring_;
  std::size_t ring_bytes_ = 0;
  std::uint64_t last_id_;
  std::uint64_t ring_begin_;  // whoever has seen this one, or a later one, can be helped
  unsigned topics_ = 0;       // that were asked for while it is active
  bool active_ = false;
  Time idle_until_ = never;  // active without subscribers until then
  std::uint64_t hung_up_ = 0;
};

}  // namespace banyan::view

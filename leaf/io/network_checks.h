#pragma once
// tcp and http checks. A connection that is accepted is well; for http an answer below 400 is. One
// plain GET request per try, no redirect followed, at most 4 KiB of the answer read.
//
// Told from the loop, never from inside run() or cancel(), once each unless cancelled.
// Loop's thread; must live until the loop has stopped.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "leaf/leaf_event.h"

namespace banyan::leaf {

struct CheckAnswer {
  Health health = Health::unknown;
  std::string text;  // visible characters only
};
using CheckDone = std::function<void(CheckAnswer)>;

// What the first bytes of an answer to GET say; they may be cut anywhere behind the first line.
CheckAnswer judge_http(std::string_view answer);

class NetworkChecks {
 public:
  using Id = std::uint64_t;

  explicit NetworkChecks(boost::asio::io_context& loop);
  ~NetworkChecks();
  NetworkChecks(const NetworkChecks&) = delete;
  NetworkChecks& operator=(const NetworkChecks&) = delete;

  // `check` is a tcp or http one.
  Id run(const CheckConfig& check, CheckDone done);
  void cancel(Id id);

 private:
  struct Try;
  void resolve(Id id);
  void connect(Id id);
  void write(Id id);
  void read(Id id);
  void finish(Id id, CheckAnswer answer);
  void fail(Id id, const std::string& what, const std::string& why);
  Try* find(Id id);

  boost::asio::io_context& loop_;
  std::map<Id, std::unique_ptr<Try>> tries_;
  Id last_ = 0;
};

}  // namespace banyan::leaf

#include "common/io/enrol_client.h"

#include <boost/asio/io_context.hpp>
#include <optional>

#include <fmt/format.h>

#include "common/io/parent_connection.h"

namespace banyan::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

using Answer = tl::expected<v1::EnrolAnswer, EnrolFailure>;

tl::unexpected<EnrolFailure> failed(const EnrolTry& attempt, std::string why, bool refused) {
  Error error{"no answer from the parent",
              fmt::format("{}:{}", attempt.parent.host, attempt.parent.port),
              std::move(why),
              {}};
  return tl::unexpected(EnrolFailure{std::move(error), refused});
}

class Exchange {
 public:
  Exchange(asio::io_context& loop, const EnrolTry& attempt)
      : loop_(loop), attempt_(attempt), connection_(loop, context_, "enrol", callbacks()) {
    connection_.use({attempt.token, attempt.parent_key});
  }
  ~Exchange() { connection_.retire(milliseconds{0}); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  std::optional<Answer> run(const tcp::endpoint& address, Duration patience) {
    connection_.connect(address);
    loop_.run_for(patience);
    return std::move(answer_);
  }

 private:
  ParentConnection::Callbacks callbacks() {
    ParentConnection::Callbacks callbacks;
    callbacks.ready = [this] { connection_.send(attempt_.ask.SerializeAsString()); };
    callbacks.frame = [this](const std::string& bytes) {
      v1::EnrolAnswer answer;
      if (answer.ParseFromString(bytes)) {
        finish(std::move(answer));
      } else {
        finish(failed(attempt_, "it answers something else", false));
      }
    };
    callbacks.ended = [this](const std::string& why) {
      finish(failed(attempt_, why.empty() ? "it cannot be reached" : why, connection_.refused()));
    };
    return callbacks;
  }

  void finish(Answer answer) {
    if (!answer_) answer_ = std::move(answer);
    loop_.stop();
  }

  asio::io_context& loop_;
  const EnrolTry& attempt_;
  std::optional<Answer> answer_;
  zmq::context_t context_{1};
  ParentConnection connection_;
};

}  // namespace

Answer ask_to_join(const EnrolTry& attempt, Duration patience) {
  asio::io_context loop;
  boost::system::error_code error;
  tcp::resolver resolver(loop);
  const auto found =
      resolver.resolve(attempt.parent.host, std::to_string(attempt.parent.port), error);
  if (error || found.empty()) {
    return failed(attempt, error ? error.message() : "no such host", false);
  }
  Answer last = failed(attempt, "it does not answer", false);
  for (const auto& entry : found) {
    Exchange exchange(loop, attempt);
    if (auto answer = exchange.run(entry.endpoint(), patience)) last = std::move(*answer);
    if (last) break;
    loop.restart();
  }
  return last;
}

}  // namespace banyan::io

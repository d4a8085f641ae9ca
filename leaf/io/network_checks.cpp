#include "leaf/io/network_checks.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/text.h"
#include "common/base/units.h"

namespace banyan::leaf {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t answer_max = 4096;
constexpr int status_of_failure = 400;

std::string request_for(const CheckConfig& check) {
  const bool bare_v6 = check.host.find(':') != std::string::npos;
  const auto host = bare_v6 ? "[" + check.host + "]" : check.host;
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: banyan\r\nAccept: */*\r\n"
      "Connection: close\r\n\r\n",
      check.path.empty() ? "/" : check.path, host, check.port);
}

}  // namespace

// What an operation of the kernel points at; handlers find it by its id or not at all, so it may
// go at any time.
struct NetworkChecks::Try {
  Try(boost::asio::io_context& loop, CheckConfig asked, CheckDone whom)
      : check(std::move(asked)), done(std::move(whom)), resolver(loop), socket(loop), timer(loop) {}
  CheckConfig check;
  CheckDone done;
  tcp::resolver resolver;
  tcp::socket socket;
  boost::asio::steady_timer timer;
  std::vector<tcp::endpoint> endpoints;  // not yet tried, the next one last
  std::string request;                   // not yet written
  std::string answer;
  char block[answer_max];
};

CheckAnswer judge_http(std::string_view answer) {
  const auto line = answer.substr(0, answer.find_first_of("\r\n"));
  const auto space = line.find(' ');
  int status = 0;
  const bool http = line.starts_with("HTTP/1.") && space != std::string_view::npos;
  if (http) std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  const auto shown = visible(line.substr(0, 200));
  if (status < 100 || status > 999) return {Health::unhealthy, "no HTTP answer: " + shown};
  return {status < status_of_failure ? Health::healthy : Health::unhealthy, shown};
}

NetworkChecks::NetworkChecks(boost::asio::io_context& loop) : loop_(loop) {}
NetworkChecks::~NetworkChecks() = default;

NetworkChecks::Try* NetworkChecks::find(Id id) {
  const auto entry = tries_.find(id);
  return entry == tries_.end() ? nullptr : entry->second.get();
}

NetworkChecks::Id NetworkChecks::run(const CheckConfig& check, CheckDone done) {
  const Id id = ++last_;
  auto& made = *(tries_[id] = std::make_unique<Try>(loop_, check, std::move(done)));
  if (check.kind == CheckKind::http) made.request = request_for(check);
  made.timer.expires_after(check.timeout);
  made.timer.async_wait([this, id](const error_code& error) {
    Try* late = find(id);
    if (error || late == nullptr) return;
    finish(id, {Health::unhealthy, "no answer within " + exact_duration(late->check.timeout)});
  });
  resolve(id);
  return id;
}

void NetworkChecks::cancel(Id id) { tries_.erase(id); }

// An address needs no resolver, which would start a thread.
void NetworkChecks::resolve(Id id) {
  Try& made = *find(id);
  error_code not_numeric;
  const auto address = boost::asio::ip::make_address(made.check.host, not_numeric);
  if (!not_numeric) {
    made.endpoints = {tcp::endpoint(address, made.check.port)};
    return connect(id);
  }
  const auto port = std::to_string(made.check.port);
  made.resolver.async_resolve(
      made.check.host, port, [this, id](const error_code& error, const auto& results) {
        Try* waiting = find(id);
        if (waiting == nullptr) return;
        if (error) return fail(id, "resolve " + waiting->check.host, error.message());
        for (const auto& result : results) waiting->endpoints.push_back(result.endpoint());
        std::reverse(waiting->endpoints.begin(), waiting->endpoints.end());
        connect(id);
      });
}

void NetworkChecks::connect(Id id) {
  Try& made = *find(id);
  const auto endpoint = made.endpoints.back();
  made.endpoints.pop_back();
  error_code ignored;
  made.socket.close(ignored);
  made.socket.async_connect(endpoint, [this, id, endpoint](const error_code& error) {
    Try* waiting = find(id);
    if (waiting == nullptr) return;
    const auto where = fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
    if (error && !waiting->endpoints.empty()) return connect(id);
    if (error) return fail(id, "connect " + where, error.message());
    if (waiting->check.kind == CheckKind::http) return write(id);
    finish(id, {Health::healthy, "connected to " + where});
  });
}

void NetworkChecks::write(Id id) {
  Try& made = *find(id);
  made.socket.async_write_some(boost::asio::buffer(made.request),
                               [this, id](const error_code& error, std::size_t size) {
                                 Try* waiting = find(id);
                                 if (waiting == nullptr) return;
                                 if (error) return fail(id, "write", error.message());
                                 waiting->request.erase(0, size);
                                 waiting->request.empty() ? read(id) : write(id);
                               });
}

void NetworkChecks::read(Id id) {
  Try& made = *find(id);
  made.socket.async_read_some(
      boost::asio::buffer(made.block), [this, id](const error_code& error, std::size_t size) {
        Try* waiting = find(id);
        if (waiting == nullptr) return;
        waiting->answer.append(waiting->block, size);
        const bool enough =
            waiting->answer.find('\n') != std::string::npos || waiting->answer.size() >= answer_max;
        if (enough) return finish(id, judge_http(waiting->answer));
        if (error) return fail(id, "read", error.message());
        read(id);
      });
}

void NetworkChecks::fail(Id id, const std::string& what, const std::string& why) {
  finish(id, {Health::unhealthy, visible(what + ": " + why)});
}

void NetworkChecks::finish(Id id, CheckAnswer answer) {
  const auto done = std::move(find(id)->done);
  tries_.erase(id);
  done(std::move(answer));
}

}  // namespace banyan::leaf

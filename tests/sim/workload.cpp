#include "tests/sim/workload.h"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace banyan::sim {
namespace {

constexpr int first_signal = 34;
constexpr int signal_count = 31;

}  // namespace

void Workload::command(const std::string& verb, const std::string& select, Duration ttl,
                       const std::string& more) {
  if (verb == "signal" && signals_ == signal_count) return;
  Issued issued;
  issued.verb = verb;
  issued.at = world_.now();
  issued.ttl = ttl;
  issued.root_life = world_.root().life();
  for (const auto& [name, host] : world_.hosts()) issued.lives[name] = host->life();
  std::string args = "{}";
  if (verb == "signal") {
    issued.signal = first_signal + signals_++;
    args = fmt::format(R"({{"signal":{}}})", issued.signal);
  }
  const auto number =
      world_.ask("POST", "/api/v1/commands",
                 fmt::format(R"({{"verb":"{}","select":"{}","args":{},"ttl_ms":{}{}}})", verb,
                             select, args, ttl / milliseconds{1}, more));
  if (number == 0 || world_.exchange(number).status != 202) return;  // the root cannot take it now
  const auto body = boost::json::parse(world_.exchange(number).body);
  issued.id = std::string(body.at("id").as_string());
  commands_.push_back(std::move(issued));
}

void Workload::read(const std::string& host, const std::string& target) {
  LogReader reader{0, host, target, world_.path_of(host), world_.root().life()};
  reader.exchange =
      world_.ask("GET", fmt::format("/api/v1/logs?select={}/{}&follow=true&tail=all&format=text",
                                    reader.path, target));
  if (reader.exchange != 0) readers_.push_back(std::move(reader));
}

void Workload::hang_up_readers() {
  for (const LogReader& reader : readers_) world_.hang_up(reader.exchange);
  readers_.clear();
}

}  // namespace banyan::sim

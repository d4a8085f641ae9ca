#include "common/io/resolve.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace banyan::io {

namespace asio = boost::asio;

Result<asio::ip::address> resolve_listen_host(const std::string& host) {
  if (host.empty() || host == "*") return asio::ip::address_v4::any();
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string bare = bracketed ? host.substr(1, host.size() - 2) : host;
  boost::system::error_code error;
  const auto literal = asio::ip::make_address(bare, error);
  if (!error) return literal;
  asio::io_context context;
  asio::ip::tcp::resolver resolver{context};
  const auto found = resolver.resolve(bare, "0", asio::ip::tcp::resolver::passive, error);
  if (error || found.empty()) {
    return failure("cannot listen", host, error ? error.message() : "no address",
                   "use an address of this host, for example 127.0.0.1");
  }
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint().address();
  }
  return found.begin()->endpoint().address();
}

}  // namespace banyan::io

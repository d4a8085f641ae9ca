#pragma once
// Turns the host part of a listening address into one numeric address. Waits for the resolver: only
// for the start of a daemon. IPv4 is preferred where a name has both, since that is what the
// defaults dial. "*" and "" mean every address.

#include <boost/asio/ip/address.hpp>
#include <string>

#include "common/base/result.h"

namespace banyan::io {

Result<boost::asio::ip::address> resolve_listen_host(const std::string& host);

}  // namespace banyan::io

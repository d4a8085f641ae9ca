#pragma once
// The new host's side of an enrolment: one connection by the key of a token, one question, one
// answer. Waits (it runs a loop of its own); for a program that does nothing else.

#include <string>

#include "banyan/v1/enrol.pb.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/io/link_keys.h"
#include "common/tree/node_config.h"

namespace banyan::io {

struct EnrolTry {
  tree::Address parent;
  std::string parent_key;
  KeyPair token;
  v1::EnrolAsk ask;
};

struct EnrolFailure {
  Error error;
  bool refused = false;  // by the handshake: the same attempt would be refused again
};

tl::expected<v1::EnrolAnswer, EnrolFailure> ask_to_join(const EnrolTry& attempt, Duration patience);

}  // namespace banyan::io

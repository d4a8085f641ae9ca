#pragma once
// What is told when a command is refused at the node that was to act: one event, the same from a
// leaf and from a relay. Pure.

#include <string>

#include "banyan/v1/link.pb.h"
#include "common/tree/turn.h"

namespace banyan::tree {

// `subject`: the target or child it was about, "" for all of them. What is quoted of the request is
// made fit to be shown.
OwnEvent command_refused(const v1::Request& request, const std::string& subject,
                         const std::string& why);

// The same reason for all targets of a request.
v1::Outcomes rejected(const v1::Request& request, const std::string& why);

}  // namespace banyan::tree

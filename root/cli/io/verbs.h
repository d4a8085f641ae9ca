#pragma once
// The verbs. Each prints its data itself and returns its exit code, or a Failure that main prints.

#include "root/cli/io/session.h"

namespace banyan::cli {

Outcome<int> run_status(Session& session);
Outcome<int> run_tree(Session& session);
Outcome<int> run_get(Session& session);
Outcome<int> run_describe(Session& session);
Outcome<int> run_logs(Session& session);
Outcome<int> run_events(Session& session);
Outcome<int> run_act(Session& session);  // start stop restart signal scale
Outcome<int> run_top(Session& session);
Outcome<int> run_forget(Session& session);
Outcome<int> run_why(Session& session);
Outcome<int> run_ping(Session& session);
Outcome<int> run_wait(Session& session);
Outcome<int> run_version(Session& session);
Outcome<int> run_peers(Session& session);

// As every verb tells it.
Failure failure_of(const Error& error);

// Those that need no root.
Outcome<int> run_explain(const Arguments& arguments, Terminal& terminal);
Outcome<int> run_config(const Arguments& arguments, Terminal& terminal);
Outcome<int> run_keygen(const Arguments& arguments, Terminal& terminal);
Outcome<int> run_enroll(const Arguments& arguments, Terminal& terminal);
Outcome<int> run_join(const Arguments& arguments, Terminal& terminal);
// Becomes banyan-ROLE, which lies beside this program. Returns only when that failed.
Failure become_daemon(const std::string& role, const std::vector<std::string>& words);
// `run [options] -- COMMAND`: becomes a leaf without a parent that supervises this one command.
// Returns only when that failed, or for --help.
int run_command(const std::vector<std::string>& words, Terminal& terminal);

}  // namespace banyan::cli

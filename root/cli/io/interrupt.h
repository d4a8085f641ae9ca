#pragma once
// Ctrl-C as a flag. One per process; set by the signal, read by every wait of this program.

namespace banyan::cli {

// SIGINT and SIGTERM set the flag and interrupt waiting calls; SIGPIPE becomes an error of write().
void catch_signals();
// For a program that is about to be run in this one's place.
void restore_signals();
bool interrupted();

}  // namespace banyan::cli

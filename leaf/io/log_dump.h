#pragma once
// `banyan-leaf --dump-log DIR`: what is kept of one target, as text, without a running leaf.

#include <string>

namespace banyan::leaf {

// Writes a line for every line of both streams of DIRECTORY (a target's folder in the log
// directory), in the order of their times:
//
//   2026-01-02T03:04:05.678Z stdout 4711 TEXT
//
// 4711 is the offset of the line in its stream. A hole is `... -- N bytes are missing --`.
// Returns the exit code: 0, or 1 with a word on stderr. Changes nothing in DIRECTORY.
int dump_log(const std::string& directory);

}  // namespace banyan::leaf

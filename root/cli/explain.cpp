#include "root/cli/explain.h"

namespace banyan::cli {

namespace {

struct Entry {
  std::string_view word;
  std::string_view text;
};

constexpr Entry entries[] = {
    {"up", "node: its parent hears it and both agree on what is below it"},
    {"suspect", "node: beats are late; nothing below it changes, requests still go there"},
    {"lost", "node: silent beyond the timeout and the grace; what is below it is unreachable"},
    {"left", "node: it said goodbye; it matches no selector but @left"},
    {"unreachable",
     "node: something above it is lost, so nothing is known now; never called "
     "down. outcome: the command could not get there"},
    {"pending", "target: waits for what it depends on"},
    {"starting", "target: runs, but its ready condition does not hold yet"},
    {"running", "target: runs and is ready"},
    {"stopping", "target: was told to stop and has not ended yet"},
    {"stopped", "target: does not run because somebody or the configuration said so"},
    {"backing_off", "target: ended and will be started again after a growing delay"},
    {"exited", "target: ended, and by its restart rule is not run again"},
    {"failed", "target: cannot be kept running; no further attempt is made"},
    {"presumed", "target: its node cannot be heard; this is its last known state, with its age"},
    {"healthy", "health: it runs and the checks pass"},
    {"degraded", "health: it works, with complaints"},
    {"unhealthy", "health: it does not do what it is there for"},
    {"unknown", "health: nobody says. outcome: sent, and no answer came back"},
    {"done", "outcome: the leaf did it and it took effect"},
    {"rejected", "outcome: the leaf refused, by its rules or because it made no sense there"},
    {"expired", "outcome: it arrived after its time to live and was not carried out"},
    {"generation", "how many times a target has been started"},
    {"selector", "path globs (* inside a name, ** any number of names), -l key=value, @state"},
    {"@down", "every node that is not up and every target that should run and does not"},
    {"outage", "one root cause and everything that it makes unreachable or useless"},
    {"root", "the node at the top: shows the whole tree, answers the API"},
    {"relay", "a node between: gathers what is below it and routes what comes from above"},
    {"leaf", "a node on a host: starts, watches and logs targets"},
    {"target", "a process that a leaf keeps running"},
    {"beat", "the regular sign of life of a node; its digest proves the whole subtree"},
};

}  // namespace

std::string_view explanation_of(std::string_view word) {
  for (const Entry& entry : entries) {
    if (entry.word == word) return entry.text;
  }
  return {};
}

std::vector<std::string> explained_words() {
  std::vector<std::string> words;
  for (const Entry& entry : entries) words.emplace_back(entry.word);
  return words;
}

}  // namespace banyan::cli

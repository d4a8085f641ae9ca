#include "common/tree/repair.h"

#include "common/base/name.h"
#include "common/tree/node_digests.h"

namespace banyan::tree {
namespace {

const Mirror::Node* node_at(const Repair::Subject& subject, const std::string& path) {
  return subject.mirror.find(join_path(subject.child, path));
}

}  // namespace

void Repair::begin() {
  stop();
  wait({.path = "", .digests = true});
}

void Repair::stop() {
  open_.clear();
  waiting_.clear();
}

void Repair::wait(Asked asked) {
  if (waiting_.size() >= max_waiting) return;
  waiting_.push_back(std::move(asked));
}

std::vector<v1::Question> Repair::ask() {
  std::vector<v1::Question> questions;
  while (open_.size() < max_open && !waiting_.empty()) {
    const auto it = open_.emplace(++last_number_, std::move(waiting_.back())).first;
    waiting_.pop_back();
    v1::Question& question = questions.emplace_back();
    question.set_number(it->first);
    question.set_path(it->second.path);
    question.set_digests(it->second.digests);
    question.set_facts(it->second.facts);
    question.set_bucket(it->second.bucket);
  }
  return questions;
}

Status Repair::on_answer(const v1::Answer& answer, const Subject& subject, Changes& changes) {
  const auto it = open_.find(answer.number());
  if (it == open_.end()) return failure("an answer to nothing");
  Asked& asked = it->second;
  if (answer.absent()) {
    subject.mirror.remove_subtree(join_path(subject.child, asked.path), changes);
  } else if (answer.buckets_size() > 0) {
    const bool whole = asked.bucket == 0 && answer.buckets_size() == bucket_count;
    if (!whole || answer.more()) return failure("buckets that were not asked for");
    compare_buckets(asked, answer, subject);
  } else {
    if (auto ok = take_children(asked, answer, subject, changes); !ok) return ok;
    if (auto ok = take_facts(asked, answer, subject, changes); !ok) return ok;
    if (answer.more()) return {};
    finish(asked, answer, subject, changes);
  }
  open_.erase(it);
  return {};
}

void Repair::compare_buckets(const Asked& asked, const v1::Answer& answer, const Subject& subject) {
  std::array<BucketDigests, bucket_count> held{};
  if (const auto* node = node_at(subject, asked.path)) held = bucket_digests(*node);
  for (std::uint32_t bucket = 0; bucket < bucket_count; ++bucket) {
    const v1::BucketDigest& told = answer.buckets(static_cast<int>(bucket));
    const bool facts = digest_of(told.own()) != held[bucket].own;
    const bool digests = digest_of(told.children()) != held[bucket].children;
    if (facts) wait({.path = asked.path, .facts = true, .bucket = bucket + 1});
    if (digests) wait({.path = asked.path, .digests = true, .bucket = bucket + 1});
  }
}

// What is held of children between those listed is not there any more.
Status Repair::take_children(Asked& asked, const v1::Answer& answer, const Subject& subject,
                             Changes& changes) {
  if (answer.children_size() == 0) return {};
  if (subject.leaf || !asked.digests) return failure("children that were not asked for");
  for (const v1::ChildDigest& listed : answer.children()) {
    const std::string& name = listed.name();
    if (!is_name(name) || name <= asked.name_upto || !in_question(asked.bucket, name)) {
      return failure("children out of order", asked.path);
    }
    prune_between(asked, &name, subject, changes);
    asked.name_upto = name;
    const std::string path = join_path(asked.path, name);
    if (!is_path(path)) return failure("not a path", path);
    const Digest held = subject.mirror.digest(join_path(subject.child, path));
    if (held == digest_of(listed.digest())) continue;
    wait({.path = path, .digests = true, .facts = held == Digest{}});
  }
  return {};
}

// Removes what is held of children behind the last one listed, up to `end` (nullptr = all).
void Repair::prune_between(const Asked& asked, const std::string* end, const Subject& subject,
                           Changes& changes) {
  const Mirror::Node* node = node_at(subject, asked.path);
  if (node == nullptr) return;
  std::vector<std::string> gone;
  for (auto it = node->child_behind(asked.name_upto); it != node->children().end(); ++it) {
    const Mirror::Node& child = **it;
    if (end != nullptr && child.name() >= *end) break;
    const bool held = child.digest() != Digest{};
    if (held && in_question(asked.bucket, child.name())) gone.push_back(child.path());
  }
  for (const std::string& path : gone) subject.mirror.remove_subtree(path, changes);
}

Status Repair::take_facts(Asked& asked, const v1::Answer& answer, const Subject& subject,
                          Changes& changes) {
  if (answer.nodes_size() > 0 && !asked.facts) return failure("facts that were not asked for");
  for (const v1::NodeFacts& group : answer.nodes()) {
    for (const v1::Fact& fact : group.facts()) {
      const FactPlace place{fact.kind(), fact.id()};
      if (place <= asked.fact_upto || !in_question(asked.bucket, fact.id())) {
        return failure("facts out of order", asked.path);
      }
      if (subject.leaf && fact.kind() == v1::FACT_KIND_LINK) {
        return failure("a leaf speaks of children", asked.path);
      }
      remove_between(asked, &place, subject, changes);
      asked.fact_upto = place;
      const FactKey key{join_path(subject.child, asked.path), fact.kind(), fact.id()};
      auto ok = subject.mirror.set(key, group.instance(), fact.value(), changes);
      if (!ok) return ok;
    }
  }
  return {};
}

void Repair::remove_between(const Asked& asked, const FactPlace* end, const Subject& subject,
                            Changes& changes) {
  const Mirror::Node* node = node_at(subject, asked.path);
  if (node == nullptr) return;
  std::vector<FactKey> gone;
  const std::string path = node->path();
  node->each_place_behind(asked.fact_upto, [&](int kind, std::string_view id) {
    if (end != nullptr && FactPlace(kind, id) >= *end) return false;
    if (in_question(asked.bucket, id)) {
      gone.push_back({path, static_cast<v1::FactKind>(kind), std::string(id)});
    }
    return true;
  });
  for (const FactKey& key : gone) subject.mirror.remove(key, changes);
}

void Repair::finish(const Asked& asked, const v1::Answer& answer, const Subject& subject,
                    Changes& changes) {
  if (asked.digests) prune_between(asked, nullptr, subject, changes);
  if (asked.facts) remove_between(asked, nullptr, subject, changes);
  if (asked.facts || asked.bucket != 0) return;
  const Mirror::Node* node = node_at(subject, asked.path);
  const Digest held = node == nullptr ? Digest{} : own_digest(*node);
  if (held != digest_of(answer.own())) wait({.path = asked.path, .facts = true});
}

}  // namespace banyan::tree

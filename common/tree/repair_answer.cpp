#include "common/tree/repair_answer.h"

#include "common/tree/codec.h"
#include "common/tree/node_digests.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_per_page = 2000;  // below what a frame may hold

class Pages {
 public:
  explicit Pages(const v1::Question& question) : question_(question) { begin(); }

  v1::Answer& page() { return pages_.back(); }
  // After something of this size was added.
  void added(std::size_t bytes) {
    bytes_ += bytes;
    ++count_;
  }
  // Before something is added: a full page is closed.
  bool turned() {
    if (bytes_ < max_update_bytes && count_ < max_per_page) return false;
    pages_.back().set_more(true);
    begin();
    return true;
  }
  std::vector<v1::Answer> take() { return std::move(pages_); }

 private:
  void begin() {
    pages_.emplace_back().set_number(question_.number());
    bytes_ = 0;
    count_ = 0;
  }

  const v1::Question& question_;
  std::vector<v1::Answer> pages_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

void add_buckets(const Mirror::Node& node, v1::Answer& answer) {
  for (const BucketDigests& sums : bucket_digests(node)) {
    v1::BucketDigest& bucket = *answer.add_buckets();
    set_digest(*bucket.mutable_own(), sums.own);
    set_digest(*bucket.mutable_children(), sums.children);
  }
}

void add_children(const Mirror::Node& node, const v1::Question& question, Pages& pages) {
  for (const auto& child : node.children()) {
    const std::string& name = child->name();
    if (child->digest() == Digest{} || !in_question(question.bucket(), name)) continue;
    pages.turned();
    v1::ChildDigest& listed = *pages.page().add_children();
    listed.set_name(name);
    set_digest(*listed.mutable_digest(), child->digest());
    pages.added(name.size() + 24);
  }
}

void add_facts(const Mirror::Node& node, const v1::Question& question, Pages& pages) {
  v1::NodeFacts* group = nullptr;
  node.each_place([&](int number, std::string_view id) {
    if (!in_question(question.bucket(), id)) return true;
    const auto kind = static_cast<v1::FactKind>(number);
    const auto value = node.find_fact(kind, id);
    if (pages.turned()) group = nullptr;
    if (group == nullptr || group->instance() != value->instance) {
      group = pages.page().add_nodes();
      group->set_instance(value->instance);
    }
    v1::Fact& fact = *group->add_facts();
    fact.set_kind(kind);
    fact.set_id(std::string(id));
    fact.set_value(value->bytes);
    pages.added(id.size() + value->bytes.size() + 12);
    return true;
  });
}

}  // namespace

std::vector<v1::Answer> answer_question(const Mirror& mirror, const v1::Question& question) {
  Pages pages(question);
  const Mirror::Node* node = mirror.find(question.path());
  if (node == nullptr) {
    pages.page().set_absent(true);
  } else if (question.bucket() == 0 && needs_buckets(*node)) {
    add_buckets(*node, pages.page());
  } else {
    if (question.digests()) add_children(*node, question, pages);
    if (question.facts()) add_facts(*node, question, pages);
    set_digest(*pages.page().mutable_own(), own_digest(*node));
  }
  return pages.take();
}

}  // namespace banyan::tree

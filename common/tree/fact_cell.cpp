#include "common/tree/fact_cell.h"

#include <cstring>

namespace banyan::tree {
namespace {

struct Head {
  std::int32_t kind = 0;
  std::uint32_t id_size = 0;
  std::uint32_t packed_size = 0;
  std::uint32_t writer_size = 0;  // by_owner: all bits set
};
constexpr std::uint32_t owner = 0xffffffff;

template <class Enum>
unsigned within(Enum value, unsigned end) {
  const auto number = static_cast<unsigned>(value);
  return number < end ? number : 0;
}

std::uint32_t size_of(std::string_view part) { return static_cast<std::uint32_t>(part.size()); }

}  // namespace

FactBrief FactBrief::of(const v1::TargetFact& target) {
  constexpr unsigned health_end = v1::HEALTH_UNHEALTHY + 1;
  const bool none = target.state() == v1::TARGET_STATE_UNSPECIFIED;
  const auto state = none ? v1::TARGET_STATE_PENDING : target.state();
  return FactBrief(static_cast<std::uint8_t>(within(state, target_states) |
                                             (target.wanted() ? 16U : 0U) |
                                             (within(target.health(), health_end) << 5U)));
}

FactBrief FactBrief::of(const v1::LinkFact& link) {
  return FactBrief(static_cast<std::uint8_t>(within(link.state(), v1::LINK_STATE_LEFT + 1)));
}

Counts count_of(FactBrief target) {
  const auto state = target.target_state();
  const bool over = state == v1::TARGET_STATE_STOPPED || state == v1::TARGET_STATE_EXITED;
  const bool runs = state == v1::TARGET_STATE_RUNNING;
  Counts counts;
  counts.targets[static_cast<std::size_t>(state)] = 1;
  counts.as_wanted = (target.wanted() ? runs : over) ? 1 : 0;
  return counts;
}

FactCell::FactCell(const Parts& parts) {
  const Head head{parts.kind, size_of(parts.id), size_of(parts.packed),
                  parts.by_owner ? owner : size_of(parts.writer)};
  const std::string_view writer = parts.by_owner ? std::string_view() : parts.writer;
  const std::size_t rest = 1 + parts.id.size() + writer.size() + parts.packed.size();
  bytes_ = std::make_unique_for_overwrite<char[]>(sizeof head + rest);
  char* at = bytes_.get();
  std::memcpy(at, &head, sizeof head);
  at += sizeof head;
  *at++ = static_cast<char>(parts.brief.bits());
  for (const std::string_view part : {parts.id, writer, parts.packed}) {
    at += part.copy(at, part.size());
  }
}

FactCell::Parts FactCell::parts() const {
  Head head;
  const char* at = bytes_.get();
  std::memcpy(&head, at, sizeof head);
  at += sizeof head;
  Parts parts;
  parts.kind = static_cast<v1::FactKind>(head.kind);
  parts.brief = FactBrief::from_bits(static_cast<std::uint8_t>(*at++));
  parts.by_owner = head.writer_size == owner;
  const std::uint32_t writer_size = parts.by_owner ? 0 : head.writer_size;
  parts.id = {at, head.id_size};
  parts.writer = {at + head.id_size, writer_size};
  parts.packed = {at + head.id_size + writer_size, head.packed_size};
  return parts;
}

}  // namespace banyan::tree

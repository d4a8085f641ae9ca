#pragma once
// One fact as a node of a mirror keeps it: a single piece of memory, its value packed (fact_pack).
// What is counted and judged all the time stands beside it unpacked. Pure.

#include <cstdint>
#include <memory>
#include <string_view>

#include "banyan/v1/link.pb.h"
#include "common/tree/counts.h"

namespace banyan::tree {

// What counts and verdicts need of a target or a link, in one byte.
class FactBrief {
 public:
  FactBrief() = default;
  // A target of no state is pending.
  static FactBrief of(const v1::TargetFact& target);
  static FactBrief of(const v1::LinkFact& link);
  static FactBrief of(const v1::NodeFact&) { return {}; }
  static FactBrief from_bits(std::uint8_t bits) { return FactBrief(bits); }

  // States and health of later versions are unspecified here.
  v1::TargetState target_state() const { return static_cast<v1::TargetState>(bits_ & 15U); }
  v1::LinkState link_state() const { return static_cast<v1::LinkState>(bits_ & 15U); }
  bool wanted() const { return (bits_ & 16U) != 0; }
  v1::Health health() const { return static_cast<v1::Health>(bits_ >> 5U); }
  std::uint8_t bits() const { return bits_; }

 private:
  explicit FactBrief(std::uint8_t bits) : bits_(bits) {}
  std::uint8_t bits_ = 0;
};

Counts count_of(FactBrief target);

class FactCell {
 public:
  struct Parts {
    v1::FactKind kind = v1::FACT_KIND_UNSPECIFIED;
    FactBrief brief;
    bool by_owner = false;  // its writer is the node that it belongs to
    std::string_view id;
    std::string_view writer;  // an instance; empty by_owner
    std::string_view packed;
  };

  FactCell() = default;
  explicit FactCell(const Parts& parts);

  explicit operator bool() const { return bytes_ != nullptr; }
  // Views into the cell. Only of one that holds something.
  Parts parts() const;

 private:
  std::unique_ptr<char[]> bytes_;
};

}  // namespace banyan::tree

#pragma once
// Streams that pass through this node: each has a number above (chosen by the reader's side) and a
// number below (chosen here). A stream belongs to the chain of sessions: a break below closes it
// above, a break above closes it below; bytes for a stream that is not known are answered by a
// close. Bounded: max_streams; beyond it an opening is answered by a close with the reason.

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "common/tree/downlink.h"
#include "common/tree/turn.h"

namespace banyan::tree {

using RisingStream = std::variant<v1::StreamData, v1::StreamClose>;

class StreamTable {
 public:
  static constexpr std::size_t max_streams = 10'000;
  // Set in the number above of a stream that is read at this very node: it outlives the session
  // above.
  static constexpr std::uint64_t local_stream = 1ULL << 63;

  explicit StreamTable(Downlink& downlink) : downlink_(downlink) {}

  // From above; what rises at once (a refusal) is appended.
  void on_open(const v1::StreamOpen& open, Turn& turn, std::vector<RisingStream>& rising);
  void on_credit(const v1::StreamCredit& credit, Turn& turn);
  void on_close(const v1::StreamClose& close, Turn& turn);
  void on_parent_gone(Turn& turn);

  // From below.
  void on_data(const std::string& child, v1::StreamData data, Turn& turn,
               std::vector<RisingStream>& rising);
  void on_child_close(const std::string& child, const v1::StreamClose& close,
                      std::vector<RisingStream>& rising);
  void on_child_gone(const std::string& child, std::vector<RisingStream>& rising);

  std::size_t size() const { return below_.size(); }

 private:
  struct Stream {
    std::string child;
    std::uint64_t above = 0;
  };
  void close_below(const std::string& child, std::uint64_t stream, Turn& turn);

  Downlink& downlink_;
  std::map<std::uint64_t, Stream> below_;         // by the number below
  std::map<std::uint64_t, std::uint64_t> above_;  // number above -> number below
  std::uint64_t last_ = 0;
};

}  // namespace banyan::tree

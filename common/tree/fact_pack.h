#pragma once
// Bytes of facts, made small: thousands of nodes say nearly the same. What was said before by
// anybody is pointed at in a dictionary that only grows, what repeats the name or the instance of
// the node is pointed at there, and runs of hex digits are halved. Lossless, for any bytes.
//
// Packed, a sequence of:
//   00..7f            so many + 1 bytes follow as they are
//   80..bf            a copy of (low 6 bits) + 4 bytes, 63 = the length follows in two bytes;
//                     then where from: 00..7f in the context, else 15 bits: in the dictionary
//   c0..df            hex digits, two in each of the following (low 5 bits) + 4 bytes
// Bounds: max_dictionary bytes, after which nothing is learned any more; what is packed stays
// readable for as long as the object lives. Pure, single threaded.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace banyan::tree {

class FactPack {
 public:
  static constexpr std::size_t max_dictionary = 32'000;
  static constexpr std::size_t max_context = 127;

  // `context`: what unpack() will be given, too; what is beyond max_context bytes is not used.
  // Learns from what it has not seen the like of.
  std::string pack(std::string_view bytes, std::string_view context);
  std::string unpack(std::string_view packed, std::string_view context) const;

 private:
  struct Match {
    std::size_t size = 0;
    std::size_t place = 0;
    bool in_context = false;
  };
  // Where 4 bytes of a context stand, by their hash: place + 1. One for each hash is enough.
  using Places = std::array<std::uint8_t, 256>;
  struct Context {
    std::string_view text;
    Places places{};
  };
  static Context look_at(std::string_view context);
  Match find(std::string_view rest, const Context& context) const;
  void learn(std::string_view bytes);

  std::string dictionary_;
  std::vector<std::uint16_t> newest_;   // by hash of 4 bytes: place + 1, 0 = none
  std::vector<std::uint16_t> earlier_;  // by place: the one before it of the same hash, + 1
};

}  // namespace banyan::tree

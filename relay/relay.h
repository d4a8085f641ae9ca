#pragma once
// A relay: gathers the nodes below it into one picture, and routes what comes from above.
// Relay = Uplink + Downlink + Mirror, with a Router between and the events of its own links. It
// serves its own subtree by an Api as the root serves the whole.
// Pure: driven by relay/main.cpp or by the simulated world. Single threaded.

#include "common/tree/command_guard.h"
#include "common/tree/downlink.h"
#include "common/tree/event_outbox.h"
#include "common/tree/node_config.h"
#include "common/tree/refusal_meter.h"
#include "common/tree/router.h"
#include "common/tree/uplink.h"
#include "common/view/local_api.h"

namespace banyan {

// Performed in this order: picture, spool, links, http, host.
struct RelayEffects {
  std::vector<v1::Update> picture;  // to be kept for the next run
  tree::SpoolEffects spool;
  tree::LinkEffects links;
  std::vector<tree::HttpEffect> http;
  bool read_host = false;  // answered by a HostLoad
};

class Relay {
 public:
  Relay(const tree::NodeConfig& config, const tree::Identity& identity, std::uint64_t seed,
        std::vector<view::StaticFile> files);

  // Before start: commands that are given here carry this signature.
  void sign_with(tree::CommandSigner signer) { api_.sign_with(std::move(signer)); }
  // Before start, in order: the picture that an earlier run kept. Returns how many facts were
  // refused.
  std::size_t restore(const v1::Update& part);
  // At most once, before start(): what the program before this one in the same process left, and
  // what earlier runs left on the disk, oldest first.
  void resume(const v1::Handover& handover, const std::vector<v1::HeldEvents>& spooled);
  // For the program that replaces this one. Sessions, and what people ask here, end with this one.
  void hold(v1::Handover& handover) const { *handover.mutable_events() = events_.held(); }
  void start(Now now, RelayEffects& effects);
  // Something happened to this node that is to be told.
  void note(const tree::OwnEvent& event, Now now, RelayEffects& effects);
  void handle(const tree::LinkEvent& event, Now now, RelayEffects& effects);
  void handle(const tree::HttpEvent& event, Now now, RelayEffects& effects);
  void handle(const tree::HostLoad& load, Now now, RelayEffects& effects);
  // Goodbye to the parent; children find out by the closed connection and look for a parent.
  void stop(Now now, RelayEffects& effects);
  Time next_deadline() const;

  const tree::EventOutbox& events() const { return events_; }
  const tree::EventFlow& flow() const { return flow_; }
  const tree::Mirror& mirror() const { return mirror_; }
  const tree::Uplink& uplink() const { return uplink_; }
  const tree::Downlink& downlink() const { return downlink_; }
  const tree::Router& router() const { return router_; }

 private:
  void tell_self();
  void finish(tree::Turn& turn, RelayEffects& effects);
  void on_parent(tree::UplinkNotice& notice, tree::Turn& turn);
  void on_request(const v1::Request& request, tree::Turn& turn);
  bool may_forget(const v1::Request& request, tree::Turn& turn);
  void on_child(tree::DownlinkNotice& notice, tree::Turn& turn);
  void tell_event(const tree::OwnEvent& own, tree::Turn& turn);
  void send_rising(tree::Turn& turn);
  void send_events(tree::Turn& turn);
  void rewind(tree::Turn& turn);

  std::string name_;
  tree::Identity identity_;
  tree::Labels labels_;
  bool began_blank_ = true;  // nothing was restored
  tree::Mirror mirror_;
  tree::Downlink downlink_;
  tree::Uplink uplink_;
  tree::Router router_;
  tree::CommandGuard guard_;
  tree::RefusalMeter refusals_;
  tree::EventOutbox events_;
  tree::EventFlow flow_;
  view::LocalApi api_;
};

}  // namespace banyan

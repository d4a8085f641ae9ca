#pragma once
// The root: shows the whole tree, and routes what people ask for down to the leaves.
// Root = Downlink + Mirror + Api, with a Router between, and a StoreDesk before the store on disk.
// The newest events and commands are in memory as well, bounded; without a store there only. Pure:
// driven by root/main.cpp or by the simulated world. Single threaded.

#include <string>
#include <vector>

#include "common/tree/downlink.h"
#include "common/tree/node_config.h"
#include "common/tree/router.h"
#include "common/view/api.h"
#include "root/store_desk.h"

namespace banyan {

// Performed in this order: picture, store, asks, http, links, host. Nothing but the answer to what
// was asked waits for the disk.
struct RootEffects {
  std::vector<v1::Update> picture;  // to be kept for the next run
  std::vector<view::StoreWrite> store;
  std::vector<view::HistoryAsk> asks;
  tree::LinkEffects links;
  std::vector<tree::HttpEffect> http;
  bool read_host = false;  // answered by a HostLoad
};

class Root {
 public:
  Root(const tree::NodeConfig& config, const tree::Identity& identity, std::uint64_t seed,
       std::vector<view::StaticFile> files);

  // Before start: commands that are given here carry this signature.
  void sign_with(tree::CommandSigner signer) { api_.sign_with(std::move(signer)); }
  // Before start, in order: the picture that an earlier run kept. Returns how many facts were
  // refused.
  std::size_t restore(const v1::Update& part);
  // At most once, before start(): there is a store, and this is what it holds.
  void resume(const view::History& history, Now now);
  void start(Now now, RootEffects& effects);
  // Something happened to this node that is to be told.
  void note(const tree::OwnEvent& event, Now now, RootEffects& effects);
  void handle(const tree::LinkEvent& event, Now now, RootEffects& effects);
  void handle(const tree::HttpEvent& event, Now now, RootEffects& effects);
  void handle(const tree::HostLoad& load, Now now, RootEffects& effects);
  void handle(StoreEvent event, Now now, RootEffects& effects);
  void stop(Now now, RootEffects& effects);
  Time next_deadline() const;

  // No command waits to be sent, nor does one go on in batches, which would end with this program.
  bool settled() const { return !desk_.waits() && !api_.commands().is_rolling(); }

  const tree::Mirror& mirror() const { return mirror_; }
  const tree::Downlink& downlink() const { return downlink_; }
  const tree::Router& router() const { return router_; }
  const view::Api& api() const { return api_; }
  const StoreDesk& desk() const { return desk_; }

 private:
  void tell_self();
  void finish(tree::Turn& turn, RootEffects& effects);
  void on_child(tree::DownlinkNotice& notice, tree::Turn& turn);
  void on_rising(tree::Rising& rising, tree::Turn& turn);
  bool send_down(tree::Turn& turn, RootEffects& effects);
  void store_failed(const StoreFailed& failed, tree::Turn& turn);
  bool tell_stored(tree::Turn& turn);

  tree::Identity identity_;
  tree::Labels labels_;
  tree::Mirror mirror_;
  tree::Downlink downlink_;
  tree::Router router_;
  view::Api api_;
  StoreDesk desk_;
  view::ApiEffects asked_;  // by the api, not yet performed
};

}  // namespace banyan

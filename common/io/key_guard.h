#pragma once
// The door of a listening socket with keys: CURVE, and the in-process authenticator (ZAP) that
// admits the listed keys and nobody else. Asked by libzmq in the middle of every handshake,
// answered on the event loop. Whose key a connection was made with is the only identity that
// counts: routing ids are chosen by the peer.
//
// Made before the listening socket is bound (without it libzmq would admit any key), in the same
// context; destroyed after that socket. A frame whose key is not known here is nobody's.
//
// A key that belongs to a token is let through the handshake as well: what may come by it is one
// frame, for enrol() (enrol_desk.h).
//
// Bounds: 256 answers a turn; every refused key is logged once a minute at most, and 20 lines at
// once, one every 3 s from then on; what was not logged is counted in the next line. One thread.

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <zmq.hpp>

#include "common/base/time.h"
#include "common/io/enrol_desk.h"
#include "common/io/key_list.h"
#include "common/io/link_keys.h"
#include "common/tree/turn.h"

namespace banyan::io {

struct ChildKeys {
  KeyPair own;
  KeyList admitted;
  std::string list_file;                               // for hints, and to add to
  std::function<void(tree::OwnEvent)> tell = nullptr;  // who was enrolled, or refused to be
};

class KeyGuard {
 public:
  using Note = std::function<void(tree::LogLevel, std::string)>;

  KeyGuard(zmq::context_t& context, ChildKeys keys, Note note);

  // Before it is bound.
  void protect(zmq::socket_t& listener) const;
  zmq::socket_t& socket() { return socket_; }
  // Answers what has been asked; true when there may be more.
  bool turn();

  // The key that this frame came with, as text; empty: none.
  static std::string key_of(zmq::message_t& frame);
  // Null: not admitted (any more).
  std::shared_ptr<const tree::KeyHolder> find(const std::string& key) const;
  bool is_token(const std::string& key) { return desk_.knows(key); }
  // The frame that came by a token's key, and what to answer.
  std::string enrol(const std::string& token, std::string_view frame);
  void replace(KeyList admitted) { keys_.admitted = std::move(admitted); }
  void note_refused(const std::string& about, const std::string& text);

 private:
  bool answer_one();
  bool admits(const std::string& key, const std::string& address);
  bool may_note(const std::string& about);

  ChildKeys keys_;
  EnrolDesk desk_;
  Note note_;
  zmq::socket_t socket_;
  std::unordered_map<std::string, Time> noted_;
  double lines_left_;
  Time lines_counted_{};
  std::uint64_t unsaid_ = 0;
};

}  // namespace banyan::io

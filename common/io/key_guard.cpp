#include "common/io/key_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/io/clock.h"
#include "common/io/zmq_socket.h"

namespace banyan::io {
namespace {

constexpr const char* authenticator = "inproc://zeromq.zap.01";
constexpr int answers_per_turn = 256;
constexpr std::size_t max_parts = 16;
constexpr int handshake_timeout_ms = 10'000;  // a herd of children is slow to be let in
constexpr double burst_lines = 20;
constexpr double lines_per_second = 1.0 / 3;
constexpr std::size_t max_noted = 1024;

// version, request id, domain, address, identity, mechanism, key (RFC 27)
enum Part : std::size_t { version, request, domain, address, identity, mechanism, key, parts };

std::vector<std::string> receive_question(zmq::socket_t& socket) {
  std::vector<std::string> question;
  zmq::message_t part;
  while (receive_part(socket, part)) {
    if (question.size() < max_parts) question.push_back(part.to_string());
    if (!part.more()) break;
  }
  return question;
}

void send_answer(zmq::socket_t& socket, const std::vector<std::string>& answer) {
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const int more = i + 1 < answer.size() ? ZMQ_SNDMORE : 0;
    if (send_part(socket, answer[i], more) != Sent::done) return;  // whoever asked has gone
  }
}

}  // namespace

KeyGuard::KeyGuard(zmq::context_t& context, ChildKeys keys, Note note)
    : keys_(std::move(keys)),
      desk_(keys_.list_file),
      note_(std::move(note)),
      socket_(context, zmq::socket_type::rep),
      lines_left_(burst_lines) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(authenticator);
}

void KeyGuard::protect(zmq::socket_t& listener) const {
  listener.set(zmq::sockopt::curve_server, true);
  listener.set(zmq::sockopt::curve_secretkey, key_bytes(keys_.own.secret_key));
  listener.set(zmq::sockopt::zap_domain, "banyan");
  listener.set(zmq::sockopt::handshake_ivl, handshake_timeout_ms);
}

bool KeyGuard::turn() {
  for (int count = 0; count < answers_per_turn; ++count) {
    if (!answer_one()) return false;
  }
  return true;
}

bool KeyGuard::answer_one() {
  const auto question = receive_question(socket_);
  if (question.empty()) return false;
  const bool whole = question.size() == parts && question[mechanism] == "CURVE" &&
                     question[key].size() == key_bytes(keys_.own.public_key).size();
  const std::string text = whole ? key_text(question[key]) : "";
  const bool admitted = whole && admits(text, visible(question[address]));
  send_answer(socket_,
              {"1.0", question.size() > request ? question[request] : "", admitted ? "200" : "400",
               admitted ? "OK" : "key not admitted", admitted ? text : "", ""});
  return true;
}

bool KeyGuard::admits(const std::string& text, const std::string& from) {
  if (keys_.admitted.find(text) != nullptr || desk_.knows(text)) return true;
  note_refused(text, fmt::format("key {} from {} is not in {}; to admit it, add the line \"{} "
                                 "NAME\" and send HUP",
                                 fingerprint(text), from, keys_.list_file, text));
  return false;
}

std::string KeyGuard::enrol(const std::string& token, std::string_view frame) {
  EnrolDesk::Judged judged = desk_.judge(token, frame, keys_.admitted, read_clock().wall);
  const std::string key = judged.key.empty() ? "no key" : "key " + fingerprint(judged.key);
  const std::string data = fmt::format(R"({{"key":"{}","token":"{}"}})", judged.key, token);
  const bool in_force = !judged.answer.admitted() || keys_.admitted.find(judged.key) != nullptr ||
                        keys_.admitted.add(KeyLine{judged.key, judged.name, judged.role}.text());
  CHECK(in_force);  // judge() has looked for whatever could stand against it
  if (judged.added && keys_.tell) {
    keys_.tell(
        {"enrolled", judged.name,
         fmt::format("{} is listed under {} by the token {}", key, judged.name, fingerprint(token)),
         data});
  } else if (!judged.answer.admitted() && may_note(token) && keys_.tell) {
    keys_.tell({"enrol_refused", judged.name,
                fmt::format("{}: {} (token {}, {})", judged.answer.reason(), judged.answer.text(),
                            fingerprint(token), key),
                data});
  }
  return judged.answer.SerializeAsString();
}

std::string KeyGuard::key_of(zmq::message_t& frame) {
  const char* user = zmq_msg_gets(frame.handle(), "User-Id");
  return user == nullptr ? std::string() : std::string(user);
}

std::shared_ptr<const tree::KeyHolder> KeyGuard::find(const std::string& text) const {
  return keys_.admitted.find(text);
}

void KeyGuard::note_refused(const std::string& about, const std::string& text) {
  if (!may_note(about)) return;
  const std::string more =
      unsaid_ == 0 ? "" : fmt::format(" ({} more refusals were not logged)", unsaid_);
  unsaid_ = 0;
  note_(tree::LogLevel::warning, fmt::format("link=child state=refused own_key={} reason=key: {}{}",
                                             fingerprint(keys_.own.public_key), text, more));
}

bool KeyGuard::may_note(const std::string& about) {
  const Time now = read_clock().time;
  const auto known = noted_.find(about);
  if (known != noted_.end() && now - known->second < std::chrono::minutes{1}) return false;
  const std::chrono::duration<double> passed = now - lines_counted_;
  lines_counted_ = now;
  lines_left_ = std::min(burst_lines, lines_left_ + passed.count() * lines_per_second);
  if (lines_left_ < 1) {
    ++unsaid_;
    return false;
  }
  lines_left_ -= 1;
  if (noted_.size() >= max_noted) noted_.clear();
  noted_[about] = now;
  return true;
}

}  // namespace banyan::io

// The part of the leaf that is told to do something: nothing is done before the disk knows that it
// was taken, and nothing that was done and forgotten is done again.

#include <utility>

#include "leaf/leaf.h"

namespace banyan {

using tree::Turn;

// From above; what is asked here goes to on_request() at once.
void Leaf::on_command(const v1::Request& request, Turn& turn, LeafEffects& effects) {
  auto judged = gate_.judge(request, mirror_, turn.now);
  tell_refused(judged, turn);
  if (judged.marked) effects.marks.push_back(gate_.marks());
  if (judged.admitted.targets_size() == 0) return;
  if (effects.marks.empty()) return on_request(judged.admitted, turn, effects);
  unmarked_.push_back(std::move(judged.admitted));
}

void Leaf::handle(const MarksKept& kept, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  if (!kept.trouble.empty()) {
    for (const auto& [key, mark] : gate_.marks()) gate_.close(mark.id);
  }
  for (const v1::Request& request : std::exchange(unmarked_, {})) {
    if (kept.trouble.empty()) {
      on_request(request, turn, effects);
    } else {
      tell_refused(gate_.refuse(request,
                                "this leaf cannot keep on its disk that it was taken, and could "
                                "be made to do it again: " +
                                    kept.trouble,
                                now),
                   turn);
    }
  }
  finish(turn, effects);
}

void Leaf::on_request(const v1::Request& request, Turn& turn, LeafEffects& effects) {
  auto taken = journal_.take(request, identity_.instance);
  for (const std::string& id : taken.forgotten) gate_.close(id);
  const auto repeated = gate_.repeated(request, taken.repeated, turn.now);
  if (repeated) tell_refusal(*repeated, turn);
  const bool scales = request.command().verb() == "scale";
  if (scales) {
    for (const auto& each : taken.requests) scale(each, turn, effects);
  } else {
    supervisor_.handle(std::move(taken.requests), turn.now, supervised_);
  }
  if (taken.at_once.outcomes_size() > 0) send_outcomes(std::move(taken.at_once), turn);
  take_supervisor(turn, effects);
}

void Leaf::tell_refused(const leaf::CommandGate::Judged& judged, Turn& turn) {
  for (const tree::OwnEvent& event : judged.events) tell_refusal(event, turn);
  send_outcomes(judged.refused, turn);
}

}  // namespace banyan

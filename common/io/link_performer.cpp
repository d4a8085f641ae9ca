#include "common/io/link_performer.h"

#include <utility>
#include <variant>

#include "common/base/check.h"

namespace banyan::io {
namespace {

template <class Link>
Link& present(Link* link) {
  CHECK(link != nullptr);
  return *link;
}

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Match(Cases...) -> Match<Cases...>;

}  // namespace

void LinkPerformer::perform(tree::LinkEffect effect) {
  std::visit(
      Match{[&](tree::DialParent& dial) {
              present(parts_.parent).dial(dial.conn, dial.host, dial.port);
            },
            [&](tree::HangUpParent& hang_up) { present(parts_.parent).hang_up(hang_up.conn); },
            [&](tree::SendParent& send) {
              present(parts_.parent).send(send.conn, std::move(send.bytes));
            },
            [&](tree::SendChild& send) {
              present(parts_.children).send(send.conn, std::move(send.bytes));
            },
            [&](tree::ExamineChild& examine) { present(parts_.children).examine(examine.conn); },
            [&](tree::WriteLog& line) { parts_.logger.write(line.level, line.text); },
            [&](tree::Exit& exit) { parts_.loop.stop(exit.code); }},
      effect);
}

void LinkPerformer::perform(tree::LinkEffects& effects) {
  std::vector<tree::LinkEffect> list = std::move(effects.list);
  effects.list.clear();
  for (auto& effect : list) perform(std::move(effect));
}

}  // namespace banyan::io

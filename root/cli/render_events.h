#pragma once
// `banyan events`: oldest first; alike neighbours are folded with a count on a terminal. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

struct EventWidths {
  std::size_t kind = 11;
  std::size_t path = 20;
};

// `items` as the API gives them: newest first. `fold` joins alike events.
std::string render_events(const json::array& items, bool fold, const View& view);
// The same in columns of at least these widths, which grow: for what is followed afterwards.
std::string render_events(const json::array& items, bool fold, EventWidths& widths,
                          const View& view);
// One event of a followed stream, in columns of at least these widths, which grow.
std::string render_event(const json::value& event, EventWidths& widths, const View& view);

}  // namespace banyan::cli

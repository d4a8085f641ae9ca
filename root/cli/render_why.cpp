#include "root/cli/render_why.h"

#include <fmt/format.h>

#include "root/cli/facts.h"
#include "root/cli/words.h"

namespace banyan::cli {

std::string render_why(const json::array& way, const View& view) {
  std::string out;
  for (const json::value& node : way) {
    const std::string state = text_at(node, "state");
    out += fmt::format("{}  {}\n", text_at(node, "path"), state);
    const bool last = &node == &way.back();
    if (state == "up" && !last) continue;
    for (const json::value& evidence : array_at(node, "evidence")) {
      out += "  " + evidence_line(evidence, view) + "\n";
    }
  }
  return out;
}

std::string render_ping(const json::value& answer) {
  std::string out;
  for (const json::value& hop : array_at(answer, "hops")) {
    out += fmt::format("{}  {:.2f} ms\n", text_at(hop, "path"),
                       static_cast<double>(integer_at(hop, "round_trip_us")) / 1000);
  }
  const std::string broken = text_at(answer, "broken");
  const double sum = static_cast<double>(integer_at(answer, "round_trip_us")) / 1000;
  return out + (broken.empty()
                    ? fmt::format("{} answers in {:.2f} ms\n", text_at(answer, "path"), sum)
                    : fmt::format("no answer: {}\n", broken));
}

}  // namespace banyan::cli

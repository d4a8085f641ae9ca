#include "root/cli/sse.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace banyan::cli {
namespace {

std::vector<std::string> parse(SseParser& parser, const std::string& text, std::size_t piece) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    parser.feed(std::string_view(text).substr(at, piece), [&](const ServerEvent& event) {
      out.push_back(event.topic + "|" + event.data + "|" + event.id);
    });
  }
  return out;
}

TEST(SseParser, GivesTheSameEventsWhateverThePieces) {
  const std::string text =
      ": hello\r\n\r\nevent: events\r\nid: 7\r\ndata: {\"a\":1}\r\n\r\n"
      "data: one\rdata:two\r\r"
      "id: 9\n\n"
      "event:gap\ndata\n\n";
  const std::vector<std::string> expected{"events|{\"a\":1}|7", "message|one\ntwo|7", "gap||9"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    SseParser parser;
    EXPECT_EQ(parse(parser, text, piece), expected) << "pieces of " << piece;
    EXPECT_EQ(parser.last_id(), "9");
  }
}

TEST(SseParser, DropsAnUnfinishedEventAtANewConnectionButKeepsTheId) {
  SseParser parser;
  parse(parser, "id: 3\n\nevent: events\ndata: half", 100);
  parser.reset();
  EXPECT_EQ(parse(parser, "data: new\n\n", 100), std::vector<std::string>{"message|new|3"});
}

TEST(SseParser, StopsAtAnEventWithoutEnd) {
  SseParser parser;
  parse(parser, std::string(SseParser::max_event_bytes + 1, 'x'), 65536);
  EXPECT_TRUE(parser.overflowed());
}

}  // namespace
}  // namespace banyan::cli

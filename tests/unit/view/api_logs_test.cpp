#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t second_ns = 1'000'000'000;

struct Piece {
  std::string data;
  std::int64_t time_ns = second_ns;
  std::uint64_t offset = 0;
  std::uint32_t channel = channel_out;
};

class LogWorld : public AskedApi {
 public:
  using AskedApi::AskedApi;

  // Asks and answers with what was opened.
  std::vector<v1::StreamOpen> open(const std::string& query) {
    exchange = ask("GET", "/api/v1/logs?" + query);
    return effects.opens;
  }
  void data(std::uint64_t stream, const std::vector<Piece>& pieces) {
    v1::StreamData told;
    told.set_stream(stream);
    for (const auto& piece : pieces) {
      auto& record = *told.add_records();
      record.set_channel(piece.channel);
      record.set_time_ns(piece.time_ns);
      record.set_offset(piece.offset);
      record.set_data(piece.data);
    }
    effects = {};
    api.on_stream_data(told, now, effects);
  }
  void shut(std::uint64_t stream, const std::string& reason = "") {
    v1::StreamClose told;
    told.set_stream(stream);
    told.set_reason(reason);
    effects = {};
    api.on_stream_close(told, now, effects);
  }
  std::string out() const { return streamed(exchange); }
  bool over() const { return ended(exchange); }
  std::uint64_t credit() const {
    std::uint64_t sum = 0;
    for (const auto& credit : effects.credits) sum += credit.bytes();
    return sum;
  }

  tree::ExchangeId exchange = 0;
};

TEST(ApiLogs, AsksForAllThatIsKept) {
  LogWorld world;
  const auto opens = world.open("select=db");
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].path(), "dc1/web-1");
  EXPECT_EQ(opens[0].target(), "db");
  EXPECT_EQ(opens[0].channel(), 0u);
  EXPECT_EQ(opens[0].tail(), -1);
  EXPECT_EQ(opens[0].offset(), -1);
  EXPECT_EQ(opens[0].since_ms(), -1);
  EXPECT_EQ(opens[0].until_ms(), -1);
  EXPECT_FALSE(opens[0].follow());
  EXPECT_EQ(opens[0].credit(), 256u * 1024);
}

TEST(ApiLogs, PassesOnWhatNarrows) {
  LogWorld world;
  const auto opens = world.open("select=db&tail=5&follow=1&grep=a%2Bb&stream=stderr&since=10m");
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].tail(), 5);
  EXPECT_TRUE(opens[0].follow());
  EXPECT_EQ(opens[0].grep(), "a+b");
  EXPECT_EQ(opens[0].channel(), 2u);
  EXPECT_EQ(opens[0].since_ms(), wall_ms(world.now.wall) - 600'000);
}

TEST(ApiLogs, LevelAndThePreviousRunArePassedOn) {
  LogWorld world;
  const auto opens = world.open("select=db&level=warning&previous=1");
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].level(), 4u);
  EXPECT_TRUE(opens[0].previous());
  EXPECT_EQ(world.open("select=db").at(0).level(), 0u);
}

TEST(ApiLogs, DefaultTailIsTheTargetsOwn) {
  LogWorld world;
  ToldTarget told;
  told.bufsize = 20;
  world.tree.target("dc1/web-1/db", told);
  EXPECT_EQ(world.open("select=db").at(0).tail(), 20);
  EXPECT_EQ(world.open("select=db&tail=all").at(0).tail(), -1);
  EXPECT_EQ(world.open("select=db&since=1h").at(0).tail(), -1);
  EXPECT_EQ(world.open("select=db&tail=3").at(0).tail(), 3);
}

TEST(ApiLogs, TextIsTheBytesExactly) {
  LogWorld world;
  const auto stream = world.open("select=db").at(0).stream();
  world.data(stream, {{std::string("a\r\n\xff\0b", 6)}, {"\nlast", second_ns, 6}});
  EXPECT_EQ(world.out(), std::string("a\r\n\xff\0b\nlast", 11));
  world.shut(stream);
  EXPECT_TRUE(world.over());
  EXPECT_EQ(world.out(), "");
}

// 60,000 empty lines are six megabytes of ndjson.
TEST(ApiLogs, ShortLinesAreWrittenAsTheyAreTaken) {
  LogWorld world;
  const auto stream = world.open("select=db&format=ndjson").at(0).stream();
  world.data(stream, {{std::string(30'000, '\n')}, {std::string(30'000, '\n'), second_ns, 30'000}});
  std::string all = world.out();
  world.shut(stream);
  EXPECT_EQ(world.out(), "");
  for (int turn = 0; turn < 100 && !world.over(); ++turn) {
    world.drain(world.exchange);
    EXPECT_LE(world.out().size(), LogAnswer::most_at_once + 200);
    all += world.out();
  }
  EXPECT_TRUE(world.over());
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 60'000);
}

TEST(ApiLogs, SeveralTargetsAreMergedByTime) {
  LogWorld world;
  const auto opens = world.open("select=**/api");
  ASSERT_EQ(opens.size(), 2u);
  world.data(opens[0].stream(), {{"a1\n", 1}, {"a3\n", 3, 3}});
  EXPECT_EQ(world.out(), "");
  world.data(opens[1].stream(), {{"b2\n", 2}, {"b4", 4, 3}});
  EXPECT_EQ(world.out(), "a1\nb2\n");
  world.shut(opens[1].stream());
  EXPECT_EQ(world.out(), "a3\n");
  world.data(opens[0].stream(), {{"a5\n", 5, 6}});
  EXPECT_EQ(world.out(), "b4\na5\n") << "a last line without newline is kept apart";
  world.shut(opens[0].stream());
  EXPECT_TRUE(world.over());
}

TEST(ApiLogs, FollowedTargetsDoNotWaitForEachOther) {
  LogWorld world;
  const auto opens = world.open("select=**/api&follow=1");
  world.data(opens[0].stream(), {{"a1\n", 1}});
  EXPECT_EQ(world.out(), "");
  EXPECT_EQ(world.api.next_deadline(), world.now.time + milliseconds{100});
  world.pass(milliseconds{100});
  EXPECT_EQ(world.out(), "a1\n");
}

TEST(ApiLogs, NdjsonTellsPathAndStream) {
  LogWorld world;
  const auto stream = world.open("select=db&format=ndjson").at(0).stream();
  world.data(stream, {{"out\n", second_ns, 3}, {"err\n", second_ns, 9, channel_err}});
  EXPECT_THAT(world.out(), HasSubstr(R"({"path":"dc1/web-1/db","stream":"stdout","time":)"));
  EXPECT_THAT(world.out(), HasSubstr(R"("offset":3,"line":"out"})"));
  EXPECT_THAT(world.out(), HasSubstr(R"("offset":9,"line":"err"})"));
}

TEST(ApiLogs, CreditComesBackOnlyWhenTheReaderHasRead) {
  LogWorld world;
  const auto stream = world.open("select=db").at(0).stream();
  world.data(stream, {{std::string(1000, 'x')}});
  EXPECT_EQ(world.credit(), 0u);
  world.drain(world.exchange);
  ASSERT_EQ(world.credit(), 1000u);
  EXPECT_EQ(world.effects.credits[0].stream(), stream);
  world.drain(world.exchange);
  EXPECT_EQ(world.credit(), 0u);
}

TEST(ApiLogs, LineLongerThanTheWindowDoesNotWaitForItself) {
  LogWorld world;
  const auto stream = world.open("select=db&format=ndjson").at(0).stream();
  world.data(stream, {{std::string(200'000, 'x')}});
  EXPECT_EQ(world.credit(), 200'000u);
}

TEST(ApiLogs, ClientThatGoesStopsTheSenders) {
  LogWorld world;
  const auto opens = world.open("select=**/api&follow=1");
  world.close(world.exchange);
  ASSERT_EQ(world.effects.closes.size(), 2u);
  world.data(opens[0].stream(), {{"late\n"}});
  EXPECT_TRUE(world.effects.http.empty());
  ASSERT_EQ(world.effects.closes.size(), 1u);
  EXPECT_EQ(world.effects.closes[0].stream(), opens[0].stream());
}

TEST(ApiLogs, RefusalBeforeAnythingIsTheWholeAnswer) {
  LogWorld world;
  world.shut(world.open("select=db").at(0).stream(), "not_found: no such target");
  EXPECT_EQ(world.answer().status, 404);
  EXPECT_THAT(world.answer().body, HasSubstr("not_found: no such target"));
}

TEST(ApiLogs, RefusalSaysWhereToLook) {
  LogWorld world;
  world.shut(world.open("select=db").at(0).stream(), "failed: no log of target db here");
  EXPECT_THAT(world.answer().body, HasSubstr("banyan describe dc1/web-1/db shows why"));
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  EXPECT_TRUE(world.open("select=db").empty());
  EXPECT_THAT(world.answer().body, HasSubstr("banyan get nodes shows why"));
}

TEST(ApiLogs, UnreachableTargetIsSaidAtOnce) {
  LogWorld world;
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  EXPECT_TRUE(world.open("select=db").empty());
  EXPECT_EQ(world.answer().status, 503);
  EXPECT_TRUE(world.open("select=db&format=ndjson").empty());
  EXPECT_THAT(world.out(),
              HasSubstr(R"({"path":"dc1/web-1/db","error":"unreachable: dc1 is lost"})"));
  EXPECT_TRUE(world.over());
}

TEST(ApiLogs, BrokenFollowGoesOnAtTheNextOffset) {
  LogWorld world;
  const auto stream = world.open("select=db&follow=1&stream=stdout&tail=1").at(0).stream();
  world.data(stream, {{"one\n", second_ns, 100}});
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  world.shut(stream, "broken: the link to dc1 broke");
  EXPECT_FALSE(world.over());
  world.pass(seconds{60});
  EXPECT_TRUE(world.effects.opens.empty());
  world.tree.link("dc1", v1::LINK_STATE_UP);
  world.pass(seconds{1});
  ASSERT_EQ(world.effects.opens.size(), 1u);
  const auto again = world.effects.opens[0];
  EXPECT_NE(again.stream(), stream);
  EXPECT_EQ(again.offset(), 104);
  EXPECT_EQ(again.tail(), -1);
  EXPECT_EQ(again.credit(), 256u * 1024 - 4) << "what the reader has not read is still held";
  world.data(again.stream(), {{"one\ntwo\n", second_ns, 100}});
  EXPECT_EQ(world.out(), "two\n") << "what was told before the break is not told again";
}

TEST(ApiLogs, BrokenStreamOfBothChannelsGoesOnAsTwo) {
  LogWorld world;
  const auto stream = world.open("select=db&follow=1").at(0).stream();
  world.data(stream, {{"o\n", second_ns, 10}, {"e\n", second_ns, 50, channel_err}});
  world.shut(stream, "broken: x");
  world.pass(seconds{1});
  ASSERT_EQ(world.effects.opens.size(), 2u);
  std::map<std::uint32_t, std::int64_t> offsets;
  for (const auto& open : world.effects.opens) offsets[open.channel()] = open.offset();
  EXPECT_EQ(offsets, (std::map<std::uint32_t, std::int64_t>{{1, 12}, {2, 52}}));
}

TEST(ApiLogs, ChannelThatSaidNothingGoesOnByTime) {
  LogWorld world;
  const auto stream = world.open("select=db&follow=1").at(0).stream();
  world.data(stream, {{"o\n", 5 * second_ns, 10}});
  world.shut(stream, "broken: x");
  world.pass(seconds{1});
  ASSERT_EQ(world.effects.opens.size(), 2u);
  for (const auto& open : world.effects.opens) {
    EXPECT_EQ(open.offset(), open.channel() == channel_out ? 12 : -1);
    EXPECT_EQ(open.since_ms(), open.channel() == channel_out ? -1 : 5'000);
  }
}

TEST(ApiLogs, BrokenSnapshotIsGivenUpAfterFiveSeconds) {
  LogWorld world;
  const auto stream = world.open("select=db&format=ndjson").at(0).stream();
  world.data(stream, {{"one\n", second_ns, 100}});
  world.tree.link("dc1", v1::LINK_STATE_LOST);
  world.shut(stream, "broken: x");
  world.pass(milliseconds{4'900});
  EXPECT_FALSE(world.over());
  world.pass(milliseconds{100});
  EXPECT_THAT(world.out(), HasSubstr(R"("error":"broken)"));
  EXPECT_TRUE(world.over());
}

TEST(ApiLogs, IdleFollowBeginsItsAnswerSoon) {
  LogWorld world;
  world.open("select=db&follow=1");
  EXPECT_TRUE(world.effects.http.empty());
  world.pass(milliseconds{300});
  ASSERT_EQ(world.effects.http.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<tree::HttpBegin>(world.effects.http[0]));
}

TEST(ApiLogs, BadQuestionsAreRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"select=db&grep=(", "bad pattern"},
      {"select=db&format=xml", "text or ndjson"},
      {"select=db&stream=stdin", "stdout"},
      {"select=db&tail=x", "or all"},
      {"select=db&level=loud", "warning"},
      {"select=db&previous=1&follow=1", "leave out one"},
      {"select=db&offset=5", "of one stream"},
      {"select=db&since=noon", "not a time"},
      {"select=**&offset=5&stream=stdout", "one target"},
  };
  for (const auto& [query, expected] : cases) {
    LogWorld world;
    EXPECT_TRUE(world.open(query).empty()) << query;
    EXPECT_EQ(world.answer().status, 400) << query;
    EXPECT_THAT(world.answer().body, HasSubstr(expected)) << query;
  }
}

TEST(ApiLogs, NothingMatchedNamesWhatIsNear) {
  LogWorld world;
  world.open("select=dc1/web-1/dbb");
  EXPECT_EQ(world.answer().status, 404);
  EXPECT_THAT(world.answer().body, HasSubstr("dc1/web-1/db"));
}

}  // namespace
}  // namespace banyan::view

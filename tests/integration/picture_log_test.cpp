// The picture kept for the next run: what was kept comes back, whatever happened to the file.

#include "common/io/picture_log.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "common/io/files.h"
#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

namespace fs = std::filesystem;

class PictureLogTest : public testing::Test {
 protected:
  using Facts = std::map<std::string, std::string>;

  static v1::Update fact(const std::string& path, const std::string& value) {
    v1::Update part;
    v1::NodeFacts& node = *part.add_nodes();
    node.set_path(path);
    node.set_instance("i");
    v1::Fact& fact = *node.add_facts();
    fact.set_kind(v1::FACT_KIND_OBSERVATION);
    fact.set_value(value);
    fact.set_removed(value.empty());
    return part;
  }
  static v1::Update prune(const std::string& path) {
    v1::Update part;
    part.add_prunes(path);
    return part;
  }
  static void take(Facts& facts, const v1::Update& part) {
    for (const std::string& path : part.prunes()) {
      std::erase_if(facts, [&path](const auto& fact) {
        return fact.first == path || fact.first.starts_with(path + "/");
      });
    }
    for (const auto& node : part.nodes()) {
      for (const auto& each : node.facts()) {
        if (each.removed()) {
          facts.erase(node.path());
        } else {
          facts[node.path()] = each.value();
        }
      }
    }
  }
  // What the next run is handed.
  Facts read() {
    Facts facts;
    PictureLog log(directory_.path());
    troubles_ = log.open([&facts](const v1::Update& part) { take(facts, part); });
    put_aside_ = log.counters().put_aside;
    return facts;
  }
  void keep(const std::vector<v1::Update>& parts) {
    PictureLog log(directory_.path());
    log.open([](const v1::Update&) {});
    for (const v1::Update& part : parts) log.keep(part);
  }
  std::string file() const { return directory_.path() + "/picture-000000.log"; }
  void change_byte(std::uint64_t place) {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(place));
    stream.put('\x7e');
  }

  boost::asio::io_context loop_;
  TemporaryDirectory directory_;
  std::vector<std::string> troubles_;
  std::uint64_t put_aside_ = 0;
};

TEST_F(PictureLogTest, WhatWasKeptComesBackInOrderOverSeveralRuns) {
  EXPECT_TRUE(read().empty());
  keep({fact("a", "1"), fact("a/b", "2"), fact("c", "3")});
  keep({fact("a", "4"), fact("c", ""), prune("a/b"), fact("a/b/x", "5")});
  EXPECT_EQ(read(), (Facts{{"a", "4"}, {"a/b/x", "5"}}));
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(PictureLogTest, AfterAFlushAllOfItIsInTheFile) {
  PictureLog log(directory_.path());
  log.open([](const v1::Update&) {});
  for (int i = 0; i < 100; ++i) log.keep(fact("a" + std::to_string(i), "1"));
  log.flush();
  EXPECT_EQ(log.counters().records, 100u);
  EXPECT_EQ(read().size(), 100u);
}

TEST_F(PictureLogTest, ATornLastRecordIsCutOffAndWritingGoesOnBehindIt) {
  keep({fact("a", "1"), fact("b", "2")});
  fs::resize_file(file(), fs::file_size(file()) - 3);
  EXPECT_EQ(read(), (Facts{{"a", "1"}}));
  EXPECT_EQ(put_aside_, 0u) << "a crash is no damage";
  keep({fact("c", "3")});
  EXPECT_EQ(read(), (Facts{{"a", "1"}, {"c", "3"}}));
}

TEST_F(PictureLogTest, DamageIsPutAsideCountedAndNeverFatal) {
  keep({fact("a", "1"), fact("b", "2"), fact("c", "3")});
  const auto third = fs::file_size(file()) / 3;
  change_byte(2 * third);
  EXPECT_EQ(read().at("a"), "1");
  EXPECT_EQ(put_aside_, 1u);
  EXPECT_EQ(troubles_.size(), 1u);
  EXPECT_TRUE(fs::exists(file() + ".bad"));
  EXPECT_FALSE(read().empty());
  EXPECT_EQ(put_aside_, 0u) << "the new file is whole";
}

TEST_F(PictureLogTest, AFileThatIsSomethingElseIsPutAside) {
  ASSERT_TRUE(write_file_atomically(file(), "something else, longer than a head would be"));
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(put_aside_, 1u);
  keep({fact("a", "1")});
  EXPECT_EQ(read(), (Facts{{"a", "1"}}));
}

TEST_F(PictureLogTest, AFileThatHasGrownIsRewrittenAndStandsForTheSame) {
  PictureCounters counters;
  Facts expected;
  {
    PictureLog log(directory_.path(), {.max_queued = 64U << 20U, .rewrite_from = 4096});
    log.open([](const v1::Update&) {});
    for (int i = 0; i < 3000; ++i) {
      const auto part = i % 100 == 99 ? prune("n/" + std::to_string(i % 7))
                                      : fact("n/" + std::to_string(i % 50), std::to_string(i));
      take(expected, part);
      log.keep(part);
      if (i % 100 != 0) continue;
      ASSERT_TRUE(run_until(loop_, [&log] { return log.counters().records > 0; }));
    }
    ASSERT_TRUE(run_until(loop_, [&log] { return log.counters().records == 3000; }));
    counters = log.counters();
  }
  EXPECT_GE(counters.rewritten, 1u);
  EXPECT_EQ(counters.dropped + counters.failures, 0u);
  EXPECT_EQ(read(), expected);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    files += entry.path().extension() == ".log" ? 1 : 0;
  }
  EXPECT_EQ(files, 1u);
}

TEST_F(PictureLogTest, OfTwoFilesLeftByACrashTheNewerOneHoldsAndTheOtherGoes) {
  keep({fact("a", "1")});
  fs::copy_file(file(), directory_.path() + "/picture-000001.log");
  keep({fact("b", "2")});
  EXPECT_EQ(read(), (Facts{{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(PictureLogTest, ADirectoryThatCannotBeWrittenIsSaidAndDropsEverything) {
  PictureLog log(directory_.path() + "/not/there");
  EXPECT_EQ(log.open([](const v1::Update&) {}).size(), 1u);
  log.keep(fact("a", "1"));
  EXPECT_EQ(log.counters().dropped, 1u);
}

TEST_F(PictureLogTest, WhatTheDiskIsTooSlowForIsDroppedAndCounted) {
  PictureLog log(directory_.path(), {.max_queued = 10, .rewrite_from = 1U << 20U});
  log.open([](const v1::Update&) {});
  log.keep(fact("a", "1"));
  EXPECT_EQ(log.counters().dropped, 1u);
}

}  // namespace
}  // namespace banyan::io

#include "common/io/spool_files.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

v1::Boot boot(std::int64_t start) {
  v1::Boot made;
  made.set_start_ms(start);
  made.set_random(7);
  return made;
}

v1::Event event(const std::string& text) {
  v1::Event made;
  made.set_text(text);
  return made;
}

// A daemon's spool; the file is as a kill at that moment leaves it.
struct Spooling {
  Spooling(const std::string& path, std::int64_t start) : files(path), outbox("i", boot(start)) {
    outbox.inherit(files.load(boot(start)));
    EXPECT_EQ(files.begin(outbox), "");
  }
  std::string add(const std::string& text) {
    outbox.add(event(text));
    return keep();
  }
  std::string acknowledge(std::int64_t start, std::uint64_t upto) {
    v1::EventAck ack;
    ack.set_instance("i");
    *ack.mutable_boot() = boot(start);
    ack.set_upto(upto);
    outbox.on_ack(ack);
    return keep();
  }
  std::string keep() { return files.keep(outbox.take_effects(), outbox); }

  SpoolFiles files;
  tree::EventOutbox outbox;
};

class SpoolFilesTest : public testing::Test {
 protected:
  std::vector<v1::HeldEvents> left() { return SpoolFiles(path_).load(boot(99)); }
  std::string file(std::int64_t start) {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      const auto name = entry.path().filename().string();
      if (std::stoull(name.substr(0, 16), nullptr, 16) == static_cast<std::uint64_t>(start)) {
        return entry.path().string();
      }
    }
    return "";
  }
  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/events";
};

TEST_F(SpoolFilesTest, WhatIsNotAcknowledgedOutlivesTheDaemon) {
  Spooling spooling(path_, 1);
  spooling.add("one");
  spooling.add("two");
  spooling.add("three");
  spooling.acknowledge(1, 1);
  const auto found = left();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].last(), 3u);
  EXPECT_EQ(found[0].acked(), 1u);
  ASSERT_EQ(found[0].events_size(), 2);
  EXPECT_EQ(found[0].events(0).text(), "two");
}

TEST_F(SpoolFilesTest, EarlierStreamsStayUntilTheyAreStored) {
  { Spooling(path_, 1).add("one"); }
  { Spooling(path_, 2).add("two"); }
  Spooling third(path_, 3);
  EXPECT_EQ(third.outbox.earlier(), 2u);
  third.acknowledge(1, 1);
  EXPECT_EQ(file(1), "");
  EXPECT_THAT(left(), SizeIs(1));
}

TEST_F(SpoolFilesTest, AStreamThatIsStoredLeavesNothingBehind) {
  Spooling spooling(path_, 1);
  spooling.add("one");
  spooling.acknowledge(1, 1);
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_EQ(file(1), "");
}

TEST_F(SpoolFilesTest, TheStreamOfTheSameProcessGoesOn) {
  Spooling(path_, 1).add("one");
  EXPECT_THAT(SpoolFiles(path_).load(boot(1)), IsEmpty());
  EXPECT_NE(file(1), "");
}

TEST_F(SpoolFilesTest, HalfARecordEndsTheStream) {
  {
    Spooling spooling(path_, 1);
    spooling.add("one");
    spooling.add("two");
  }
  std::filesystem::resize_file(file(1), std::filesystem::file_size(file(1)) - 1);
  const auto found = left();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].last(), 1u);
}

TEST_F(SpoolFilesTest, AFileStaysShortForWhatItHolds) {
  Spooling spooling(path_, 1);
  for (std::uint64_t i = 1; i <= 2'000; ++i) {
    spooling.add(std::string(500, 'x'));
    spooling.outbox.take();
    spooling.acknowledge(1, i);
  }
  spooling.add("last");
  EXPECT_LT(std::filesystem::file_size(file(1)), 2 * SpoolFiles::rest);
  const auto found = left();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].last(), 2'001u);
  EXPECT_EQ(found[0].events_size(), 1);
}

TEST_F(SpoolFilesTest, TooManyStreamsLoseTheOldestAndItIsCounted) {
  for (std::int64_t start = 1; start <= 20; ++start) {
    SpoolFiles files(path_);
    tree::EventOutbox outbox("i", boot(start));
    files.begin(outbox);
    outbox.add(event("one"));
    files.keep(outbox.take_effects(), outbox);
  }
  SpoolFiles files(path_);
  const auto found = files.load(boot(99));
  EXPECT_THAT(found, SizeIs(SpoolFiles::max_streams));
  EXPECT_EQ(found.front().boot().start_ms(), 5);
  EXPECT_EQ(files.lost(), 4u);
}

TEST_F(SpoolFilesTest, ADiskThatFailsIsSaidOnceAndCatchesUp) {
  SpoolFiles files(directory_.path() + "/gone/events");
  std::ofstream(directory_.path() + "/gone") << "in the way";
  tree::EventOutbox outbox("i", boot(1));
  EXPECT_NE(files.begin(outbox), "");
  outbox.add(event("one"));
  EXPECT_EQ(files.keep(outbox.take_effects(), outbox), "");
  std::filesystem::remove(directory_.path() + "/gone");
  outbox.add(event("two"));
  EXPECT_NE(files.keep(outbox.take_effects(), outbox), "") << "it works again";
  const auto found = SpoolFiles(directory_.path() + "/gone/events").load(boot(99));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].events_size(), 2);
}

}  // namespace
}  // namespace banyan::io

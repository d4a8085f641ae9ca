#include "common/io/state_dir.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io/files.h"
#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class StateDirTest : public testing::Test {
 protected:
  Result<StateDir> open(std::int64_t wall = 1'000) {
    return StateDir::open(path_, wall_from_ms(wall));
  }
  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/deep/below/name";
};

TEST_F(StateDirTest, IsMadeForItsOwnerOnly) {
  const auto dir = open();
  ASSERT_TRUE(dir) << dir.error().text();
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700U);
}

TEST_F(StateDirTest, KeepsTheInstanceAndChangesTheBoot) {
  std::string instance;
  std::uint64_t boot = 0;
  {
    const auto dir = open();
    ASSERT_TRUE(dir);
    instance = dir->instance();
    EXPECT_TRUE(dir->fresh());
    boot = dir->boot().random;
  }
  EXPECT_THAT(instance, MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(instance.size(), 32U);
  const auto again = open();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->instance(), instance);
  EXPECT_FALSE(again->fresh());
  EXPECT_NE(again->boot().random, boot);
}

TEST_F(StateDirTest, ASecondHolderIsToldTheFirstOnesPid) {
  const auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text(),
              HasSubstr("state_dir " + path_ + " is in use by pid " + std::to_string(::getpid())));
}

TEST_F(StateDirTest, MovingItKeepsTheLock) {
  auto first = open();
  ASSERT_TRUE(first);
  const StateDir moved = std::move(*first);
  EXPECT_FALSE(open());
  EXPECT_EQ(moved.path(), path_);
}

TEST_F(StateDirTest, AttachRisesOverRestartsAlsoWhenTheClockIsSetBack) {
  const auto base_at = [&](std::int64_t wall) {
    auto dir = open(wall);
    return dir ? dir->next_attach_base().value_or(0) : 0;
  };
  EXPECT_EQ(base_at(5'000), 5'000U);
  EXPECT_EQ(base_at(4'000), 5'001U);
  {
    auto dir = open(4'000);
    ASSERT_TRUE(dir);
    ASSERT_TRUE(dir->keep_attach(9'000));
  }
  EXPECT_EQ(base_at(6'000), 9'001U);
}

TEST_F(StateDirTest, RefusesFilesThatAreNotItsOwn) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(write_file_atomically(path_ + "/instance", "not hex\n"));
  const auto dir = open();
  ASSERT_FALSE(dir);
  EXPECT_THAT(dir.error().text(), HasSubstr("/instance"));
  EXPECT_FALSE(dir.error().hint.empty());
}

TEST_F(StateDirTest, SaysWhatCannotBeCreated) {
  ASSERT_TRUE(write_file_atomically(directory_.path() + "/file", "x"));
  path_ = directory_.path() + "/file/name";
  const auto dir = open();
  ASSERT_FALSE(dir);
  EXPECT_THAT(dir.error().text(), HasSubstr("(ENOTDIR)"));
}

TEST(Files, AreReplacedWholeAndReadWithinALimit) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  ASSERT_TRUE(write_file_atomically(path, "newer"));
  EXPECT_EQ(read_file(path).value_or(""), "newer");
  EXPECT_FALSE(read_file(path, 4));
  EXPECT_NE(::access((path + ".new").c_str(), F_OK), 0);
  EXPECT_THAT(read_file(path + "x").error().text(), HasSubstr("(ENOENT)"));
}

}  // namespace
}  // namespace banyan::io

#include "leaf/io/cgroups.h"

#include <gtest/gtest.h>

namespace banyan::leaf {
namespace {

constexpr const char* hybrid =
    "35 24 0:30 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
    "36 35 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "37 35 0:32 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

TEST(Cgroups, FindsItsOwnGroupInAHybridHost) {
  EXPECT_EQ(own_group_folder(hybrid, "9:memory:/x\n0::/\n"), "/sys/fs/cgroup/unified");
  EXPECT_EQ(own_group_folder(hybrid, "0::/system.slice/leaf.service\n"),
            "/sys/fs/cgroup/unified/system.slice/leaf.service");
}

TEST(Cgroups, AreNoneWithoutTheSecondVersion) {
  EXPECT_EQ(own_group_folder("36 35 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw\n",
                             "9:memory:/x\n"),
            "");
  EXPECT_EQ(own_group_folder(hybrid, "9:memory:/x\n"), "");
}

TEST(Cgroups, CountOomKills) {
  EXPECT_EQ(oom_kills_of("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n"), 2U);
  EXPECT_EQ(oom_kills_of("low 0\noom 3\n"), 0U);
  EXPECT_EQ(oom_kills_of(""), 0U);
}

}  // namespace
}  // namespace banyan::leaf

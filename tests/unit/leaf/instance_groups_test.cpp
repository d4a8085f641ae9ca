// How many instances there are to be: the file, what was scaled, and which of the two holds.

#include "leaf/instance_groups.h"

#include <gmock/gmock.h>

namespace banyan::leaf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TargetConfig target(const std::string& name, const std::string& group,
                    const std::vector<std::string>& depends = {}) {
  TargetConfig config;
  config.name = name;
  config.group = group;
  config.command = {"/bin/" + group};
  config.depends = depends;
  return config;
}

// api.1 api.2 api.3, then web, which depends on all of them.
std::vector<TargetConfig> three() {
  return {target("api.1", "api"), target("api.2", "api"), target("api.3", "api"),
          target("web", "web", {"api.1", "api.2", "api.3"})};
}

std::vector<std::string> names(const InstanceGroups& groups) {
  std::vector<std::string> list;
  for (const auto& each : groups.targets()) list.push_back(each.name);
  return list;
}

TEST(InstanceGroups, WithoutAScaleTheFileIsWhatThereIs) {
  EXPECT_THAT(names(InstanceGroups(three(), {})), ElementsAre("api.1", "api.2", "api.3", "web"));
}

TEST(InstanceGroups, GrowBehindTheirLastOne) {
  InstanceGroups groups(three(), {});
  const auto change = groups.scale("api", 5);
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->before, 3u);
  EXPECT_THAT(change->added, ElementsAre("api.4", "api.5"));
  EXPECT_TRUE(change->removed.empty());
  EXPECT_THAT(names(groups), ElementsAre("api.1", "api.2", "api.3", "api.4", "api.5", "web"));
  EXPECT_EQ(groups.targets()[4].command, groups.targets()[0].command);
  EXPECT_THAT(groups.targets()[5].depends,
              ElementsAre("api.1", "api.2", "api.3", "api.4", "api.5"));
}

TEST(InstanceGroups, ShrinkFromTheirEnd) {
  InstanceGroups groups(three(), {});
  const auto change = groups.scale("api", 1);
  EXPECT_THAT(change->removed, ElementsAre("api.3", "api.2"));
  EXPECT_THAT(names(groups), ElementsAre("api.1", "web"));
  EXPECT_THAT(groups.targets()[1].depends, ElementsAre("api.1"));
}

TEST(InstanceGroups, APlainTargetKeepsItsName) {
  InstanceGroups groups({target("api", "api")}, {});
  const auto change = groups.scale("api", 3);
  EXPECT_THAT(change->kept, ElementsAre("api"));
  EXPECT_THAT(change->added, ElementsAre("api.2", "api.3"));
  EXPECT_THAT(names(groups), ElementsAre("api", "api.2", "api.3"));
}

TEST(InstanceGroups, ZeroKeepsTheFirstOneWhichIsNotToRun) {
  InstanceGroups groups(three(), {});
  const auto change = groups.scale("api", 0);
  EXPECT_THAT(change->kept, ElementsAre("api.1"));
  EXPECT_THAT(change->removed, ElementsAre("api.3", "api.2"));
  EXPECT_FALSE(groups.targets()[0].autostart);
  EXPECT_EQ(groups.scale("api", 2)->before, 0u);
  EXPECT_TRUE(groups.targets()[0].autostart);
}

TEST(InstanceGroups, WhatDependsOnOneInstanceAloneStaysSo) {
  auto configs = three();
  configs[3].depends = {"api.1"};
  InstanceGroups groups(configs, {});
  ASSERT_TRUE(groups.scale("api", 5).has_value());
  EXPECT_THAT(groups.targets().back().depends, ElementsAre("api.1"));
}

TEST(InstanceGroups, AScaledNumberIsRememberedAndHolds) {
  InstanceGroups groups(three(), {});
  ASSERT_TRUE(groups.scale("api", 5).has_value());
  EXPECT_EQ(groups.scaled(), (ScaledGroups{{"api", {3, 5}}}));
  EXPECT_EQ(names(InstanceGroups(three(), groups.scaled())).size(), 6u);
  groups.configure(three());
  EXPECT_EQ(names(groups).size(), 6u) << "the file says the same as before";
}

TEST(InstanceGroups, AFileThatGivesAnotherNumberWins) {
  InstanceGroups groups(three(), {{"api", {2, 5}}});
  EXPECT_EQ(names(groups).size(), 4u);
  EXPECT_TRUE(groups.scaled().empty());
}

TEST(InstanceGroups, BackToTheFilesNumberIsNothingToRemember) {
  InstanceGroups groups(three(), {});
  ASSERT_TRUE(groups.scale("api", 5).has_value());
  ASSERT_TRUE(groups.scale("api", 3).has_value());
  EXPECT_TRUE(groups.scaled().empty());
}

TEST(InstanceGroups, AreForgottenWithTheirTarget) {
  InstanceGroups groups(three(), {{"gone", {1, 5}}});
  EXPECT_TRUE(groups.scaled().empty());
}

TEST(InstanceGroups, RefuseWhatCannotBe) {
  auto configs = three();
  configs.push_back(target("api.5", "api.5"));
  InstanceGroups groups(configs, {});
  EXPECT_THAT(groups.scale("nobody", 2).error().text(), HasSubstr("no such target"));
  EXPECT_THAT(groups.scale("api", 1001).error().text(), HasSubstr("at most 1000"));
  EXPECT_THAT(groups.scale("api", 5).error().text(), HasSubstr("api.5 is another target"));
  EXPECT_EQ(names(groups).size(), 5u) << "nothing has changed";
  InstanceGroups tight({target(std::string(62, 'x'), std::string(62, 'x'))}, {});
  EXPECT_THAT(tight.scale(std::string(62, 'x'), 2).error().text(), HasSubstr("too long"));
}

}  // namespace
}  // namespace banyan::leaf

#include "root/cli/render_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "root/cli/when.h"

namespace banyan::cli {
namespace {

View view_of() {
  View view;
  view.now = *parse_rfc3339("2026-03-01T12:04:12Z");
  return view;
}

json::object item(const std::string& name, const char* state) {
  return {
      {"name", name}, {"state", state}, {"health", "healthy"}, {"since", "2026-03-01T12:00:00Z"}};
}

json::object leaf(const std::string& name, const char* state, const char* target_state) {
  json::object leaf = item(name, state);
  leaf["role"] = "leaf";
  const bool wanted = std::string_view(target_state) == "running";
  leaf["counts"] = {{"targets", {{"total", 1}, {"as_wanted", wanted ? 1 : 0}}}};
  json::object target = item("api", target_state);
  target["restarts"] = 14;
  target["last_exit"] = {{"code", 1}};
  leaf["targets"] = json::array{target};
  return leaf;
}

json::object relay(const std::string& name, const char* state, json::array children) {
  json::object relay = item(name, state);
  relay["role"] = "relay";
  relay["children"] = std::move(children);
  return relay;
}

json::array leaves(std::size_t count) {
  json::array out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(leaf("web-" + std::to_string(i), "up", "running"));
  }
  return out;
}

TEST(RenderTree, OpensOnlyBranchesWithSomethingToSee) {
  json::array some = leaves(12);
  some.insert(some.begin(), leaf("pay-7", "up", "backing_off"));
  json::object lost = relay("r3", "lost", leaves(3));
  lost["evidence"] = json::array{"no beat"};
  lost["counts"] = {{"targets", {{"total", 3}, {"as_wanted", 0}, {"presumed", 3}}}};
  const json::value top =
      relay("", "up", {relay("r1", "up", leaves(13)), relay("r2", "up", some), lost});
  EXPECT_EQ(render_tree(top, {}, view_of()),
            "/                     ● up           4m12s\n"
            "├─ r1  13 leaves      ● up           4m12s\n"
            "├─ r2                 ● up           4m12s\n"
            "│  ├─ pay-7           ● up           4m12s    0/1\n"
            "│  │  └─ api          ↻ backing off  4m12s         exit 1, 14 restarts\n"
            "│  └─ 12 more leaves  ● up                  12/12\n"
            "└─ r3                 ✗ lost         4m12s    0/3  no beat\n"
            "   └─ 3 leaves        ◌ unreachable  4m12s         3 targets presumed\n");
}

TEST(RenderTree, ShowsATreeThatFitsAScreenWhole) {
  const json::value top = relay("", "up", leaves(2));
  EXPECT_EQ(render_tree(top, {}, view_of()),
            "/          ● up       4m12s\n"
            "├─ web-0   ● up       4m12s  1/1\n"
            "│  └─ api  ● running  4m12s\n"
            "└─ web-1   ● up       4m12s  1/1\n"
            "   └─ api  ● running  4m12s\n");
}

TEST(RenderTree, DrawsWithAsciiAndStopsAtTheDepth) {
  const json::value top = relay("", "up", {relay("r1", "up", leaves(2))});
  View view = view_of();
  view.style.ascii = true;
  EXPECT_EQ(render_tree(top, {true, 1}, view),
            "/                * up  4m12s\n"
            "+- r1  2 leaves  * up  4m12s\n");
}

TEST(RenderTree, TakesWhatIsMissingAsUnknown) {
  EXPECT_EQ(render_tree(json::object{}, {}, view_of()), "/  ● up  -\n");
  EXPECT_THAT(
      render_tree(json::object{{"children", {json::object{{"name", "x\x1b"}}}}}, {}, view_of()),
      testing::HasSubstr("└─ x\\x1b  ? unknown  -"));
}

}  // namespace
}  // namespace banyan::cli

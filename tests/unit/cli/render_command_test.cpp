#include "root/cli/render_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "root/cli/outcome.h"

namespace banyan::cli {
namespace {

json::object target(const char* path, const char* state, bool presumed = false) {
  return {{"path", path}, {"state", state}, {"generation", 2}, {"presumed", presumed}};
}

json::object command(const json::object& counts, std::int64_t targets) {
  return {{"id", "c1"}, {"state", "finished"}, {"targets", targets}, {"counts", counts}};
}

TEST(RenderPreview, CountsWhatIsThereByState) {
  const json::array targets{target("iad/web-1/api", "running"), target("iad/web-2/api", "running"),
                            target("iad/web-3/api", "running", true)};
  EXPECT_EQ(render_preview({"restart", "iad/**/api"}, targets, View{}),
            "restart iad/**/api: 3 targets on 3 nodes\n"
            "  ● 2 running      iad/web-1/api, iad/web-2/api\n"
            "  ◌ 1 unreachable  iad/web-3/api\n");
}

TEST(RenderOutcome, SaysWhatChangedOrWhyNot) {
  OutcomeContext context =
      outcome_context({target("a/api", "running"), target("a/worker", "lost")});
  context.elapsed = milliseconds{360};
  const json::object done{
      {"path", "a/api"}, {"outcome", "done"}, {"generation", 3}, {"pid", 12240}};
  EXPECT_EQ(render_outcome(done, context, View{}),
            "✓ a/api     done           0.36s  generation 2 -> 3, pid 12240\n");
  context.elapsed.reset();
  const json::object failed{{"path", "a/worker"}, {"outcome", "failed"}, {"reason", "not ready"}};
  EXPECT_EQ(render_outcome(failed, context, View{}), "✗ a/worker  failed       not ready\n");
}

TEST(RenderSum, RepeatsWhatWentWrongAndSaysWhatToDo) {
  json::object answer = command({{"done", 1}, {"failed", 1}}, 2);
  answer["results"] = json::array{json::object{{"path", "a/b"}, {"outcome", "failed"}}};
  EXPECT_EQ(render_sum({"stop", "a/*"}, answer, milliseconds{33100}, View{}),
            "✗ 2 targets: 1 done, 1 failed in 33.1 s   c1\n"
            "  why:   banyan logs a/b\n"
            "  again: banyan stop a/b\n");
  EXPECT_EQ(render_sum({"stop", "a"}, command({{"done", 1}}, 1), seconds{1}, View{}), "");
}

TEST(ExitCodeOfCommand, FailedOutweighsUnknownOutweighsTheRest) {
  EXPECT_EQ(exit_code_of(command({{"done", 2}}, 2)), exit_ok);
  EXPECT_EQ(exit_code_of(command({{"failed", 1}, {"unknown", 1}}, 2)), exit_failed);
  EXPECT_EQ(exit_code_of(command({{"unknown", 1}, {"rejected", 1}}, 2)), exit_unknown);
  EXPECT_EQ(exit_code_of(command({{"done", 1}, {"unreachable", 1}}, 2)), exit_failed);
  json::object running = command({{"done", 1}}, 2);
  running["state"] = "running";
  EXPECT_EQ(exit_code_of(running), exit_unknown);
}

}  // namespace
}  // namespace banyan::cli

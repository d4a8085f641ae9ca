"""Switches rules of the protocol off in the code, one at a time, and sees their scenario fail.

    python3 tests/sim/mutate.py [RULE ...]      all of the table below, or those named

For rules that no frame carries, so that tests/sim/tamper.h cannot switch them off. Works on a copy
of the sources below /tmp; the copy and its build stay there for the next time. Exits 1 when a
scenario holds without its rule, or when the place to change is not found any more.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.environ.get("BANYAN_MUTATE_DIR", f"/tmp/banyan-mutate-{os.getuid()}")
SEEDS = 5


@dataclass(frozen=True)
class Mutation:
    rule: str
    what: str
    scenario: str
    path: str
    old: str
    new: str


TABLE = [
    Mutation(
        "R1",
        "who_are_you leads straight to a new Hello, past the end of the session",
        "R01_a_session_ends_with_its_streams",
        "common/tree/uplink.cpp",
        'if (meant) end_session("the parent does not know this session", turn);',
        "if (meant) {\n      session_ = 0;\n      wait(Duration{0}, turn);\n    }",
    ),
    Mutation(
        "R3",
        "every frame of a dead session draws a who_are_you",
        "R03_frames_of_dead_sessions_draw_one_question",
        "common/tree/downlink.cpp",
        "if (last != Time{} && turn.now.time - last < seconds{1}) return;",
        "",
    ),
    Mutation(
        "R4",
        "a late Hello takes the session over",
        "R04_a_late_hello_takes_nothing_over",
        "common/tree/admission.cpp",
        "hello.attach() <= holder->attach;",
        "hello.attach() == 0;",
    ),
    Mutation(
        "R5",
        "a command goes to all places of an instance",
        "R05_a_command_takes_the_place_that_wins",
        "common/view/api_commands.cpp",
        "  tree::keep_one_place(mirror_, selection);\n",
        "",
    ),
    Mutation(
        "R6",
        "a replaced boot takes over again",
        "R06_a_clone_does_not_take_over_again_and_again",
        "common/tree/admission.cpp",
        "if (holder->in_session() && std::any_of(",
        "if (holder->attach == 0 && std::any_of(",
    ),
    Mutation(
        "R7",
        "a name stays with its holder, lost or not",
        "R07_a_name_is_free_when_its_holder_is_gone",
        "common/tree/admission.cpp",
        "if (holder->in_session()) {",
        "if (holder->attach > 0) {",
    ),
    Mutation(
        "R11",
        "the told point is taken at Welcome",
        "R11_hello_is_a_told_point",
        "common/tree/uplink.cpp",
        "  window_.reset();\n",
        "  window_.reset();\n  note(turn);\n  told_.reset(mirror_);\n",
    ),
    Mutation(
        "R12",
        "the hash leaves the value out",
        "R12_the_hash_covers_the_value",
        "common/base/digest.cpp",
        "  input += value;\n",
        "  input += value.substr(0, 2);\n",
    ),
    Mutation(
        "R14",
        "the facts of a lost child go",
        "R14_a_lost_child_keeps_its_facts",
        "common/tree/downlink.cpp",
        "      const bool over = child.liveness.state() == Liveness::State::lost;\n",
        "      const bool over = child.liveness.state() == Liveness::State::lost;\n"
        "      if (over) mirror_.remove_subtree(name, turn.changes);\n",
    ),
    Mutation(
        "R15",
        "prunes are not applied",
        "R15_what_is_pruned_and_back_is_told_once",
        "common/tree/downlink_frames.cpp",
        "  mirror_.remove_subtree(whole, turn.changes);\n",
        "",
    ),
    Mutation(
        "R17",
        "a new session is up at once",
        "R17_up_is_said_of_the_verified_alone",
        "common/tree/liveness.cpp",
        'return enter(State::syncing, "a new session");',
        'return enter(State::up, "a new session");',
    ),
    Mutation(
        "R19",
        "every change goes at once",
        "R19_hot_keys_are_gathered",
        "common/tree/update_window.cpp",
        "return whole_frame_waits || now >= last_sent_ + gather;",
        "return whole_frame_waits || now >= last_sent_;",
    ),
    Mutation(
        "R20",
        "a verified child is never compared again",
        "R20_a_mirror_that_differs_is_found_and_repaired",
        "common/tree/downlink_repair.cpp",
        "if (child.transferring || child.asked || child.repair.running()) return;",
        "if (child.liveness.verified() || child.asked || child.repair.running()) return;",
    ),
    Mutation(
        "R22",
        "nothing is forgotten by time",
        "R22_what_left_is_forgotten_in_time",
        "common/tree/downlink_members.cpp",
        "return after(child.gone_at, options_.forget_left);",
        "return after(child.gone_at, options_.forget_left * 60);",
    ),
    Mutation(
        "R23",
        "a relay that began blank is not told whom it knew",
        "R23_the_dead_stay_listed_though_their_relay_restarts",
        "common/tree/downlink.cpp",
        "  send_inventory(hello.name(), std::move(inventory), turn);\n",
        "",
    ),
    Mutation(
        "R23",
        "a contest hands nothing over",
        "R23_the_dead_stay_listed_though_their_relay_moves",
        "common/tree/downlink_inventory.cpp",
        "if (from.children.empty()) return false;",
        "if (!from.children.empty()) return false;",
    ),
    Mutation(
        "R24",
        "the root takes nothing from its disk",
        "R24_the_dead_stay_listed_though_the_root_restarts",
        "root/root.cpp",
        "return tree::restore_picture(part, mirror_); }",
        "return part.nodes_size() < 0 ? tree::restore_picture(part, mirror_) : 0; }",
    ),
    Mutation(
        "R25",
        "what an earlier run left on the disk is not sent",
        "R26_what_was_acknowledged_is_stored_though_all_die",
        "leaf/leaf.cpp",
        "  events_.inherit(options_.spooled);\n",
        "",
    ),
    Mutation(
        "R26",
        "events are acknowledged before they are stored",
        "R26_what_was_acknowledged_is_stored_though_all_die",
        "root/store_desk.cpp",
        "take_upto(acks_, open_ ? done_ : UINT64_MAX);",
        "take_upto(acks_, UINT64_MAX);",
    ),
    Mutation(
        "store",
        "a command goes down before its row is stored",
        "store_a_command_is_on_the_disk_before_it_goes",
        "root/store_desk.cpp",
        "take_upto(requests_, open_ ? done_ : UINT64_MAX);",
        "take_upto(requests_, UINT64_MAX);",
    ),
    Mutation(
        "R26",
        "a gap is not recorded",
        "R26_a_gap_tells_how_many_are_gone",
        "common/view/event_log.cpp",
        "if (first > stream.stored + 1 && oldest > stream.stored + 1) {",
        "if (first == 0 && oldest > stream.stored + 1) {",
    ),
    Mutation(
        "R28",
        "acknowledgements go to where the events came from first",
        "R28_acknowledgements_follow_the_events",
        "common/tree/router.cpp",
        "event_origins_[events->batch.instance()] = notice.child;",
        "event_origins_.try_emplace(events->batch.instance(), notice.child);",
    ),
    Mutation(
        "R31",
        "the time in buffers does not count",
        "R31_time_runs_in_buffers_too",
        "common/tree/uplink.cpp",
        "beats_.age(request.heard(), options_.hb_interval, turn.now.time);",
        "beats_.age(request.heard(), options_.hb_interval, turn.now.time) * 0;",
    ),
    Mutation(
        "R34",
        "a second copy is acted upon",
        "R34_a_second_copy_does_nothing",
        "leaf/request_journal.cpp",
        "    if (entry.running.contains(name)) continue;\n    if (const auto known",
        "    if (const auto known",
    ),
    Mutation(
        "R37",
        "the window does not grow",
        "R37_a_long_way_gets_a_wide_window",
        "common/view/credit_window.cpp",
        "keeps_up && window_ < widest_",
        "keeps_up && window_ > widest_",
    ),
    Mutation(
        "R38",
        "a judge that is slow counts its own lateness against its children",
        "R38_a_starved_judge_accuses_nobody",
        "common/tree/downlink.cpp",
        "const bool was_late = late > lateness_ignored;",
        "const bool was_late = late > lateness_ignored * 1'000'000;",
    ),
    Mutation(
        "R38",
        "a judge counts its own standing still against its children",
        "R38_who_stood_still_judges_nobody",
        "common/tree/downlink.cpp",
        "const bool was_late = late > lateness_ignored;",
        "const bool was_late = late > lateness_ignored * 1'000'000;",
    ),
]


def run(command, **keywords):
    return subprocess.run(command, check=True, **keywords)


def copy_sources(source):
    """Only what has changed is written, so that only that is built again."""
    names = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, text=True
    )
    for name in names.split():
        new, old = os.path.join(TOP, name), os.path.join(source, name)
        if not os.path.exists(new):
            continue
        with open(new, "rb") as file:
            content = file.read()
        if os.path.exists(old):
            with open(old, "rb") as file:
                if file.read() == content:
                    continue
        os.makedirs(os.path.dirname(old), exist_ok=True)
        shutil.copyfile(new, old)


def configure(source, build):
    # What a compiler cache knows of another copy of the same sources is good for this one.
    os.environ.update({"CCACHE_BASEDIR": source, "CCACHE_NOHASHDIR": "1",
                       "CCACHE_SLOPPINESS": "pch_defines,time_macros"})
    run(
        ["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug"]
        + ["-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1"],
        stdout=subprocess.DEVNULL,
    )


def build_sim(build):
    run(["ninja", "-C", build, "sim"], stdout=subprocess.DEVNULL)


def first_failure(build, scenario):
    for seed in range(1, SEEDS + 1):
        command = [os.path.join(build, "bin", "sim"), "--scenario", scenario, "--seed", str(seed)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            return (result.stdout or f"ended with {result.returncode}").strip().splitlines()[0]
    return None


def without_rule(mutation, source, build):
    """What fails without the rule; None when nothing does."""
    path = os.path.join(source, mutation.path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.count(mutation.old) != 1:
        raise LookupError(f"{mutation.path}: the place to change is not there (any more)")
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(mutation.old, mutation.new))
        build_sim(build)
        return first_failure(build, mutation.scenario)
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def main(rules):
    source, build = os.path.join(WORK, "source"), os.path.join(WORK, "build")
    copy_sources(source)
    configure(source, build)
    bad = 0
    for mutation in TABLE:
        if rules and mutation.rule not in rules:
            continue
        try:
            seen = without_rule(mutation, source, build)
        except LookupError as error:
            seen, bad = None, bad + 1
            print(f"{mutation.rule}: {error}", flush=True)
            continue
        bad += seen is None
        print(f"{mutation.rule}: {mutation.what}: {seen or 'NOTHING FAILS'}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Pure code reads no clock, sleeps never and opens nothing; unit and sim tests neither. No code has
a timer of the wall clock: that one jumps."""

import re

from tree import Breach
from text import without_comments

HEADER = re.compile(
    r"^\s*#\s*include\s+<("
    r"zmq|boost/(asio|beast|process|filesystem)|sys/|netinet/|arpa/|net/|linux/"
    r"|(unistd|fcntl|netdb|poll|spawn|pthread|termios|dirent|signal)\.h"
    r"|spdlog|toml\+\+|curl|sqlite|SQLiteCpp|sodium\.h|sodium/randombytes|systemd|CLI/"
    r"|(fstream|iostream|filesystem|thread|mutex|shared_mutex|condition_variable|future)>"
    r")"
)
CLOCK = re.compile(
    r"::now\s*\(\)|\bsleep_(for|until)\b|\b(u|nano|clock_nano)?sleep\s*\("
    r"|\b(clock_gettime|gettimeofday)\s*\(|\btime\s*\(\s*(nullptr|NULL|0)\s*\)"
    r"|\brandom_device\b|\bs?rand\s*\("
)
WALL_TIMER = re.compile(
    r"\b(system_timer|deadline_timer|basic_deadline_timer)\b|\btimerfd_create\s*\(\s*CLOCK_REALTIME"
    r"|\b(wait|sleep)_until\b[^;]*\bsystem_clock\b|\bclock_nanosleep\s*\(\s*CLOCK_REALTIME"
    r"|\b(setitimer|alarm)\s*\("
)
WORLDS = ("root/cli/", "leaf/keeper/", "tests/integration/", "tests/bench/", "tests/fuzz/")
PURE_TESTS = ("tests/unit/", "tests/sim/")


def touches_world(path):
    """Whether a file may use the clock, sockets, files, processes."""
    if path.startswith(PURE_TESTS):
        return False
    parts = path.split("/")
    return "io" in parts[:-1] or parts[-1] == "main.cpp" or path.startswith(WORLDS)


def check(sources):
    breaches = []
    for source in sources:
        lines = without_comments(source.text).splitlines() if source.kind == "cpp" else []
        for number, line in enumerate(lines, 1):
            timer = WALL_TIMER.search(line)
            if timer:
                what = f"a timer of the wall clock, which jumps: {timer.group(0)}"
                breaches.append(Breach(source.path, number, what))
            if touches_world(source.path):
                continue
            header, clock = HEADER.match(line), CLOCK.search(line)
            if header:
                what = f"I/O header <{header.group(1)}...> outside io/ and main.cpp"
                breaches.append(Breach(source.path, number, what))
            if clock:
                what = f"clock, sleep or chance in pure code: {clock.group(0)}"
                breaches.append(Breach(source.path, number, what))
    return breaches

"""What every part of scripts/bench needs: talking to a program by lines, percentiles, /proc."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Lines:
    """A program that is told lines and answers with lines."""

    def __init__(self, *words):
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    @property
    def pid(self):
        return self.process.pid

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self):
        text = self.process.stdout.readline().strip()
        if not text:
            raise RuntimeError(f"{self.process.args} ended")
        return text

    def numbers(self, line, count=1):
        self.say(line)
        return [float(self.line()) for _ in range(count)]

    def end(self):
        self.process.kill()
        self.process.wait()


def percentile(values, part):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(part * len(ranked)))]


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_MS


def resident_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


class Table:
    """Rows of what was measured, beside what it is measured by."""

    def __init__(self):
        self.rows = []

    def add(self, what, value, **more):
        row = {"what": what, "value": value, **more}
        self.rows.append(row)
        print(self.text(row), flush=True)

    @staticmethod
    def text(row):
        value = row["value"]
        shown = f"{value:.3f}" if isinstance(value, float) else str(value)
        line = f"{row['what']:<58} {shown:>12} {row.get('unit', ''):<6}"
        if row.get("floor"):
            line += f" floor {row['floor']:.3f} ({value / row['floor']:.2f}x)"
        if "wanted" in row:
            line += f"  wanted {row['wanted']}"
        return line

"""scripts/bench tree: how fast, how large and how dear a tree is, beside floors of the same run.

deaths    target SIGKILL -> its event at a listener of the root, over two relays
commands  the round trip of a command, for each hop more
agents    agent SIGKILL -> suspect; SIGSTOP -> lost
herd      1,024 leaf processes: up, a signal to all, the death of a relay of 500, gone
beats     a relay with 10,000 simulated children: processor and memory
leaves    a root with 1,000,000 simulated leaves below 100 relays: memory, traffic, restart
Floors: pidfds and ZeroMQ forwarders without anything else (chain_floor.cpp), in the same run.
"""
import argparse
import json
import os
import pathlib

PARTS = ("deaths", "commands", "agents", "herd", "beats", "leaves")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--parts", default=",".join(PARTS), help="default: all")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=1024, help="of the herd")
    parser.add_argument("--children", type=int, default=10_000, help="of the relay")
    parser.add_argument("--below", type=int, default=10_000, help="leaves of each of 100 relays")
    options = parser.parse_args()
    options.bin = str(pathlib.Path(options.bin).resolve())
    os.environ["BANYAN_BIN"] = options.bin
    import chains
    import crowds
    import figures
    import herd
    table = figures.Table()
    run = {"deaths": chains.deaths, "commands": chains.commands, "agents": chains.agents,
           "herd": herd.herd, "beats": crowds.beats, "leaves": crowds.leaves}
    for part in options.parts.split(","):
        run[part](options, table)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(table.rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

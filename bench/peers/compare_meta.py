#!/usr/bin/env python3
"""altocast-train bench against pytorch_meta.py, part by part in turns, as a markdown table.

    compare_meta.py --program build/release/apps/altocast-train [--presets small,base] [--threads 1,2] [--rounds 3] …

Each figure is that of a process of its own, so that peak memory is the part's (all of the process, libraries included). Rounds go A B A B …: other load on the machine
and its changing clock meet both. Times are medians over the rounds, with the fastest beside them; a ratio is PyTorch's median
over altocast's. PyTorch runs in both memory formats in each round and the faster median counts; altocast with every kernel
set named, and its faster counts. A short run: --presets small --parts gradient,by_hand --rounds 1.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

PYTORCH = pathlib.Path(__file__).with_name("pytorch_meta.py")
INNER_STEPS = {"tiny": 3, "small": 3, "base": 5}
# PyTorch's part: (altocast's part, least ratio of times at 1 thread, at more threads, least ratio of peak memory)
PARTS = {"forward": ("forward", None, None, None), "gradient": ("gradient", 1.5, 1.5, None),
         "first_order": ("first_order", 1.5, 1.5, None), "by_hand": ("meta_gradient", 2, 2, 4),
         "create_graph": ("meta_gradient", 7, 11, None)}
NAMES = {"first_order": "first-order meta-gradient", "by_hand": "exact, PyTorch at its best",
         "create_graph": "exact, `create_graph=True`"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = lambda text: text.split(",")
    parser.add_argument("--program", required=True, help="altocast-train")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python that has PyTorch")
    parser.add_argument("--presets", type=names, default=["small", "base"])
    parser.add_argument("--threads", type=names, default=["1", "2"])
    parser.add_argument("--parts", type=names, default=list(PARTS))
    parser.add_argument("--kernels", type=names, default=["native", "onednn"])
    parser.add_argument("--layouts", type=names, default=["contiguous", "channels_last"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pin", action="store_true", help="bind each process to the first cores, with taskset")
    parser.add_argument("--json", metavar="FILE", help="write every measurement there, a line each")
    arguments = parser.parse_args()
    for given, known in ((arguments.parts, PARTS), (arguments.presets, INNER_STEPS)):
        for name in given:
            if name not in known:
                parser.error(f"unknown '{name}'; choose from {', '.join(known)}")
    return arguments


def run(command, threads, pin):
    """The command's line of JSON and its peak memory in MiB."""
    if pin:
        command = ["taskset", "-c", f"0-{int(threads) - 1}", *command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": threads})
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"compare_meta.py: failed: {' '.join(command)}")
    return json.loads(text), usage.ru_maxrss / 1024


def measure(arguments, preset, threads, part):
    """Seconds and peak memory of each way, by name, over the rounds."""
    ours = PARTS[part][0]
    once = part == "create_graph" and preset == "base"  # about a minute and 6 GB
    ways = {}
    for kernels in arguments.kernels:
        command = [arguments.program, "bench", "--parts", ours, "--kernels", kernels]
        ways["altocast", kernels] = command + ["--json"]
    for layout in arguments.layouts[:1] if once else arguments.layouts:
        command = [arguments.python, str(PYTORCH), "--part", part, "--layout", layout]
        ways["PyTorch", layout] = command + (["--warm-up", "0"] if part == "create_graph" else [])
    common = ["--preset", preset, "--inner-steps", str(INNER_STEPS[preset]), "--threads", threads, "--repetitions", "1"]
    results = {way: ([], []) for way in ways}
    for turn in range(arguments.rounds):
        for way, command in ways.items():
            if once and turn and way[0] == "PyTorch":
                continue
            line, peak = run(command + common, threads, arguments.pin)
            seconds = line["seconds"][0] if way[0] == "PyTorch" else line[ours]["seconds"]
            results[way][0].append(seconds)
            results[way][1].append(peak)
            if arguments.json:
                with open(arguments.json, "a") as out:
                    record = {"who": way[0], "how": way[1], "preset": preset, "threads": int(threads), "part": part,
                              "seconds": seconds, "peak_rss_mib": peak}
                    out.write(json.dumps(record) + "\n")
    return results


def fastest(results, who):
    return min((way for way in results if way[0] == who), key=lambda way: statistics.median(results[way][0]))


def describe(seconds):
    median = statistics.median(seconds)
    spread = (max(seconds) - min(seconds)) / median
    return f"{median * 1e3:.1f} ({min(seconds) * 1e3:.1f}, {spread * 100:.0f} %)"


def verdict(ratio, target):
    return "" if target is None else f"≥ {target}: {'met' if ratio >= target else 'missed'}"


def main():
    arguments = parse_arguments()
    if subprocess.run([arguments.python, "-c", "import numpy, torch"], stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"compare_meta.py: {arguments.python} has no PyTorch; apt-get install python3-torch python3-numpy, "
                 "or name a Python that has it with --python")
    print(f"Load at the start {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; ms: median (fastest, spread), "
          f"{arguments.rounds} rounds; 128×128, 4 support and 4 query pairs, 1 sample; "
          + ", ".join(f"{preset} M = {INNER_STEPS[preset]}" for preset in arguments.presets) + "\n")
    print("| what | preset | threads | altocast ms | kernels | MiB | PyTorch ms | layout | MiB | × faster | target "
          "| × less memory | target |\n|" + " --- |" * 13)
    for preset in arguments.presets:
        for threads in arguments.threads:
            for part in arguments.parts:
                results = measure(arguments, preset, threads, part)
                ours, theirs = fastest(results, "altocast"), fastest(results, "PyTorch")
                (our_seconds, our_peak), (their_seconds, their_peak) = results[ours], results[theirs]
                ratio = statistics.median(their_seconds) / statistics.median(our_seconds)
                memory = max(their_peak) / max(our_peak)
                _, one_thread, more_threads, memory_target = PARTS[part]
                target = one_thread if threads == "1" else more_threads
                print(f"| {NAMES.get(part, part)} | {preset} | {threads} | {describe(our_seconds)} | {ours[1]} | {max(our_peak):.0f} "
                      f"| {describe(their_seconds)} | {theirs[1]} | {max(their_peak):.0f} | {ratio:.2f} | {verdict(ratio, target)} "
                      f"| {memory:.1f} | {verdict(memory, memory_target)} |", flush=True)


if __name__ == "__main__":
    main()

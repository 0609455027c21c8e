#!/usr/bin/env python3
"""altocast bench against ONNX Runtime's npm package, one forward pass of the same network, as a Markdown table.

    npm install --ignore-scripts onnxruntime-node
    compare_forward.py --program build/release/apps/altocast --node-modules node_modules [--rounds 5] …

Processes run in turns, altocast, ONNX Runtime, altocast …, so that other load and the machine's changing clock meet both. A cell is the
median over all runs of all rounds and, in brackets, the fastest; the ratio is ONNX Runtime's over altocast's, of both. On
a busy machine the fastest tell more. ONNX Runtime's time includes the call from JavaScript, about 0.1 ms.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess

PEER = pathlib.Path(__file__).with_name("onnxruntime_forward.js")
PRESETS = {"tiny": (8, 2), "small": (16, 3), "base": (32, 4)}


def output_of(command, environment=None):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def measure(arguments, preset, size, threads):
    """Seconds of all runs, (altocast's (median, fastest) of each round, ONNX Runtime's runs)."""
    channels, depth = PRESETS[preset]
    job = {"channels": channels, "depth": depth, "height": size, "width": size, "threads": threads,
           "activation": arguments.activation, "repeats": arguments.repeats}
    ours = [arguments.program, "bench", "--parts", "forward", "--json", "--preset", preset, "--size", f"{size}x{size}",
            "--threads", str(threads), "--repeats", str(arguments.repeats), "--activation", arguments.activation]
    environment = {**os.environ, "NODE_PATH": str(pathlib.Path(arguments.node_modules).resolve())}
    medians, fastest, theirs = [], [], []
    for _ in range(arguments.rounds):
        figure = json.loads(output_of(ours))["figures"][0]
        medians.append(figure["median_s"])
        fastest.append(figure["fastest_s"])
        theirs += json.loads(output_of([arguments.node, str(PEER), json.dumps(job)], environment))["seconds"]
    return statistics.median(medians), min(fastest), statistics.median(theirs), min(theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = lambda text: text.split(",")
    parser.add_argument("--program", required=True, help="altocast")
    parser.add_argument("--node-modules", required=True, help="the folder that onnxruntime-node is installed in")
    parser.add_argument("--node", default="node")
    parser.add_argument("--presets", type=names, default=["small", "base"])
    parser.add_argument("--sizes", type=names, default=["128", "256", "512"])
    parser.add_argument("--threads", type=names, default=["1", "2"])
    parser.add_argument("--activation", default="relu", choices=["relu", "silu"])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("| network @ size | threads | altocast, ms | ONNX Runtime, ms | ratio |")
    print("| --- | --- | --- | --- | --- |")
    ratios = []
    for preset in arguments.presets:
        for size in map(int, arguments.sizes):
            for threads in map(int, arguments.threads):
                ours, ours_fastest, theirs, theirs_fastest = measure(arguments, preset, size, threads)
                ratios.append((theirs / ours, theirs_fastest / ours_fastest))
                print(f"| {preset} @ {size} | {threads} | {1e3 * ours:.2f} ({1e3 * ours_fastest:.2f}) | "
                      f"{1e3 * theirs:.2f} ({1e3 * theirs_fastest:.2f}) | {ratios[-1][0]:.2f} ({ratios[-1][1]:.2f}) |",
                      flush=True)
    print(f"\nMedian ratio over the cells: {statistics.median(r[0] for r in ratios):.2f} "
          f"({statistics.median(r[1] for r in ratios):.2f}); least {min(r[0] for r in ratios):.2f} "
          f"({min(r[1] for r in ratios):.2f}).")


main()

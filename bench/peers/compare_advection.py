#!/usr/bin/env python3
"""altocast's advection and smoothed advection against OpenCV's DIS optical flow, as a markdown table.

    compare_advection.py --program build/release/apps/altocast --frames DIR [--from TIME] [--every N] [--leads N]

Runs `altocast verify` without a prior over DIR and forecasts from the same times with DIS (finest preset): dense flow from the
last frame to the one before, followed backwards for each lead, bilinear. The smoothed rival blurs that by a Gaussian whose
width is chosen for each lead in hindsight, on the very cases that are scored. Figures are MAE as a share of persistence's. Exit
code 1 if altocast's exceeds DIS's by more than 2 % at a lead, 77 if OpenCV or the frames are missing (Debian: python3-opencv).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import cv2
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}; apt-get install python3-opencv")
    sys.exit(77)

WIDTHS = [0, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11, 16]  # of the Gaussian, pixels
TOLERANCE = 1.02


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="altocast")
    parser.add_argument("--frames", required=True, type=pathlib.Path, help="a folder of frames YYYYMMDDTHHMMZ.png, 8 bits")
    parser.add_argument("--from", dest="start", help="first time to forecast from")
    parser.add_argument("--every", default="4", help="each N-th time (4)")
    parser.add_argument("--leads", type=int, default=8)
    return parser.parse_args()


def verify(arguments):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "scores.json")
        command = [arguments.program, "verify", "--frames", str(arguments.frames), "--out", str(out), "--leads",
                   str(arguments.leads), "--every", arguments.every, "--members", "2"]
        if arguments.start:
            command += ["--from", arguments.start]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())


def shares(scores, system):
    return [lead["mae_over_persistence"] for lead in scores["systems"][system]["leads"]]


def dis_errors(frames, now, leads):
    """Absolute errors of persistence [leads] and of DIS for each width [leads, widths], means over pixels."""
    last, before = frames[now], frames[now - 1]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(last, before, None)
    rows, columns = numpy.mgrid[0:last.shape[0], 0:last.shape[1]].astype(numpy.float32)
    x, y = columns, rows
    last = last.astype(numpy.float32)
    persistence, advected = [], []
    for lead in range(leads):
        step = cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x, y = x + step[..., 0], y + step[..., 1]
        forecast = cv2.remap(last, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        truth = frames[now + 1 + lead].astype(numpy.float32)
        persistence.append(numpy.abs(last - truth).mean())
        blurred = [cv2.GaussianBlur(forecast, (0, 0), width, borderType=cv2.BORDER_REPLICATE) if width else forecast
                   for width in WIDTHS]
        advected.append([numpy.abs(one - truth).mean() for one in blurred])
    return numpy.array(persistence), numpy.array(advected)


def main():
    arguments = parse_arguments()
    if not arguments.frames.is_dir():
        print(f"skipped: no folder {arguments.frames}")
        sys.exit(77)
    scores = verify(arguments)
    paths = sorted(arguments.frames.glob("[0-9]*Z.png"))
    places = {path.stem: place for place, path in enumerate(paths)}
    frames = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths]
    persistence = advected = 0
    for case in scores["cases"]:
        place = places[case["time"].replace("-", "").replace(":", "")]
        of_persistence, of_dis = dis_errors(frames, place, arguments.leads)
        persistence, advected = persistence + of_persistence, advected + of_dis
    dis = advected / persistence[:, None]
    rows = [("DIS", dis[:, 0]), ("altocast", shares(scores, "advection")),
            ("DIS, blurred in hindsight", dis.min(axis=1)), ("altocast, smoothed", shares(scores, "smoothed_advection"))]
    print(f"{arguments.frames.name}, {len(scores['cases'])} cases\n")
    print("| |" + "".join(f" +{lead + 1} |" for lead in range(arguments.leads)))
    print("| --- |" + " --- |" * arguments.leads)
    for name, values in rows:
        print(f"| {name} |" + "".join(f" {value:.3f} |" for value in values))
    worse = [f"{name} at +{lead + 1}: {ours / theirs:.3f}" for (_, rival), (name, own) in (rows[:2], rows[2:])
             for lead, (theirs, ours) in enumerate(zip(rival, own)) if ours > TOLERANCE * theirs]
    if worse:
        sys.exit("altocast is more than 2 % worse: " + ", ".join(worse))


main()

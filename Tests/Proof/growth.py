"""The growth curves of popshop-bench as a picture.

    .build/release/popshop-bench --only growth --json growth.json
    pip install matplotlib && python3 Tests/Proof/growth.py growth.json Tests/Proof/growth.svg

Reads the figures named `<size> spans: <what>` and draws each against the number of spans in the buffer, with its goal.
"""

import json
import re
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "popshop", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
from matplotlib import pyplot  # noqa: E402  (after the backend is chosen)

PANELS = [
    ("written", "spans written a second", 1e-3, "thousand"),
    ("opened", "a shop opens it", 1, "ms"),
    ("list, p99", "/api/traces, p99", 1, "ms"),
    ("waterfall, p99", "a waterfall, p99", 1, "ms"),
    ("first list", "the first list of a process", 1, "ms"),
    ("resident", "resident, with a writer's peak", 1, "MB"),
]
FACTOR = {"k": 1_000, "M": 1_000_000}


def main():
    source, target = sys.argv[1:3]
    with open(source) as file:
        figures = json.load(file)["figures"]
    series = {}
    for figure in figures:
        found = re.fullmatch(r"(\d+)([kM]) spans: (.*)", figure["name"])
        if found:
            size = int(found[1]) * FACTOR[found[2]]
            goal = (figure.get("goal") or {}).get("value")
            series.setdefault(found[3], []).append((size, figure["median"], goal))
    drawing, panels = pyplot.subplots(2, 3, figsize=(9, 4.6), constrained_layout=True)
    for panel, (name, title, scale, unit) in zip(panels.flat, PANELS):
        points = sorted(series[name])
        sizes = [size for size, _, _ in points]
        panel.plot(sizes, [value * scale for _, value, _ in points], "o-", color="#3b6fd4", linewidth=1.5)
        goal = points[0][2]
        if goal is not None:
            panel.axhline(goal * scale, color="#b3452c", linestyle="--", linewidth=1)
            panel.annotate("goal", (sizes[0], goal * scale), color="#b3452c", va="bottom", fontsize=8)
        panel.set(title=f"{title} ({unit})", xscale="log", ylim=(0, panel.get_ylim()[1] * 1.08))
        panel.set_xticks(sizes, [f"{size / 1e6:g} M" for size in sizes])
        panel.minorticks_off()
        panel.grid(axis="y", alpha=0.25)
    drawing.supxlabel("spans in the buffer")
    drawing.savefig(target, metadata={"Date": None})


main()

#!/usr/bin/env python3
"""Writes the table of values in the chart's README.md: key, default, and the `# --` comment above the key.

    scripts/chart-readme.py            writes it
    scripts/chart-readme.py --check    fails if it is not what values.yaml says
"""
import json
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "charts" / "wasmcloud-host"
BEGIN, END = "<!-- values: scripts/chart-readme.py -->", "<!-- end of values -->"


def documented(text):
    """[(key with dots, default, comment)] for every key under a `# --` comment, in their order."""
    values, rows, path, comment = yaml.safe_load(text), [], [], None
    for line in text.splitlines():
        found = re.match(r"( *)# -- (.*)", line)
        if found:
            comment = [found[2]]
            continue
        found = re.match(r" *# (.*)", line)
        if found and comment is not None:
            comment.append(found[1])
            continue
        found = re.match(r"( *)([A-Za-z]\w*):", line)
        if not found:
            continue
        depth = len(found[1]) // 2
        if comment is None and depth > len(path):
            continue  # within a default
        path = path[:depth] + [found[2]]
        if comment is not None:
            default = values
            for key in path:
                default = default[key]
            rows.append((".".join(path), default, " ".join(comment)))
            comment = None
            if isinstance(default, (dict, list)):
                path = path[:-1]
    return rows


def table():
    lines = ["| key | default | meaning |", "| --- | --- | --- |"]
    for key, default, comment in documented((CHART / "values.yaml").read_text()):
        shown = json.dumps(default, ensure_ascii=False)
        shown = "see values.yaml" if len(shown) > 100 else f"`{shown}`"
        lines.append(f"| `{key}` | {shown} | {comment} |")
    return "\n".join(lines)


def main():
    readme = CHART / "README.md"
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if wanted != text:
            sys.exit(f"{readme}: the table is not what values.yaml says; run scripts/chart-readme.py")
    else:
        readme.write_text(wanted)


if __name__ == "__main__":
    main()

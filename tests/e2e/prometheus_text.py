"""A strict reader of Prometheus' text format 0.0.4: what it takes for wrong, a scrape would lose or Prometheus would refuse."""
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|\})')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Scrape:
    """`types` by family, and `samples` by (name, labels as a frozenset of pairs)."""

    def __init__(self, text):
        assert text.endswith("\n"), "the last line has no end"
        self.types, self.helps, self.samples = {}, {}, {}
        self.family = None
        for line in text[:-1].split("\n"):
            self.read(line)
        for family, kind in self.types.items():
            assert self.helps.get(family), f"{family} has no HELP"
            if kind == "histogram":
                self.check_histogram(family)
            if kind == "counter":
                assert family.endswith("_total"), f"the counter {family} is not called _total"
                assert all(value >= 0 for value in self.of(family).values())

    def read(self, line):
        if line.startswith("# HELP "):
            family, words = line[7:].split(" ", 1)
            assert family not in self.helps, f"{family} stands there twice"
            self.helps[family] = words
        elif line.startswith("# TYPE "):
            family, kind = line[7:].split(" ")
            assert NAME.fullmatch(family) and kind in ("counter", "gauge", "histogram"), line
            assert family in self.helps and family not in self.types, line
            self.types[family], self.family = kind, family
        else:
            self.read_sample(line)

    def read_sample(self, line):
        name = NAME.match(line)
        assert name, f"no sample: {line!r}"
        at, labels = name.end(), {}
        if line[at] == "{":
            at += 1
            while True:
                pair = LABEL.match(line, at)
                assert pair, f"no label at {line[at:]!r} in {line!r}"
                assert pair[1] not in labels, line
                labels[pair[1]] = re.sub(r"\\.", lambda m: ESCAPES[m[0]], pair[2])
                at = pair.end()
                if pair[3] == "}":
                    break
        assert line[at] == " ", line
        value = float(line[at + 1:])  # no timestamp: it would be no number
        assert not math.isnan(value), line
        ends = ("_bucket", "_sum", "_count") if self.types[self.family] == "histogram" else ("",)
        assert name[0] in [self.family + end for end in ends], f"{line!r} stands under {self.family}"
        key = (name[0], frozenset(labels.items()))
        assert key not in self.samples, f"{line!r} stands there twice"
        self.samples[key] = value

    def check_histogram(self, family):
        series = {}
        for labels, value in self.of(family + "_bucket").items():
            bound = float(dict(labels)["le"])
            series.setdefault(frozenset(pair for pair in labels if pair[0] != "le"), []).append((bound, value))
        assert series.keys() == self.of(family + "_count").keys() == self.of(family + "_sum").keys()
        for labels, buckets in series.items():
            buckets.sort()
            assert buckets[-1] == (math.inf, self.samples[(family + "_count", labels)])
            assert [count for _, count in buckets] == sorted(count for _, count in buckets)

    def of(self, name):
        return {labels: value for (each, labels), value in self.samples.items() if each == name}

    def find(self, family, /, **wanted):
        """The values of the series that have these labels."""
        return [value for labels, value in self.of(family).items() if set(wanted.items()) <= labels]

    def get(self, family, /, **wanted):
        found = self.find(family, **wanted)
        assert len(found) == 1, f"{len(found)} series {family} with {wanted}, not one"
        return found[0]

    def mentions(self, value):
        return sorted({name for name, labels in self.samples if any(value in pair[1] for pair in labels)})

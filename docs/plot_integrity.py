#!/usr/bin/env python3
"""Draws docs/integrity.svg and prints the tables of docs/integrity.md from what `vebridge prove noise --json` printed.

    vebridge prove noise --json > proof.json
    docs/plot_integrity.py proof.json > docs/integrity.svg
    docs/plot_integrity.py --table proof.json

Several files, and several lines for one bit error rate (other seeds), are added up. Only the standard library.
"""
import json
import math
import sys

SUMS = [
    "sessions", "sessions_unidentified", "readings", "wrong_values", "phantom_identities", "wrong_details",
    "wrong_refusals", "virtual_seconds", "gaps_over_10_s", "bytes", "damaged_bytes", "requests", "retries",
    "confirmations", "confirmed", "unconfirmed", "checksum_only_readings", "checksum_only_wrong",
    "checksum_only_phantoms", "checksum_and_length_readings", "checksum_and_length_wrong",
]
LATENCIES = ["latency_ms_median", "latency_ms_p90", "latency_ms_p99", "latency_ms_p999"]


def load(paths):
    """One row a bit error rate, the rows of several seeds added up."""
    rows = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    one = json.loads(line)
                    row = rows.setdefault(one["ber"], {key: 0 for key in SUMS + LATENCIES + ["longest_gap_s"]})
                    for key in SUMS:
                        row[key] += one[key]
                    # Of several seeds the mean, by readings.
                    for key in LATENCIES:
                        row[key] += (one[key] or 0) * one["readings"]
                    row["longest_gap_s"] = max(row["longest_gap_s"], one["longest_gap_s"])
                except (ValueError, KeyError, TypeError) as error:
                    sys.exit(f"{path}:{number}: not a line of `vebridge prove noise --json` ({error!r})")
    if not rows:
        sys.exit("nothing to draw: give files with the lines of `vebridge prove noise --json`")
    for rate, row in rows.items():
        row["ber"] = rate
        row["per_second"] = row["readings"] / max(row["virtual_seconds"], 1e-9)
        for key in LATENCIES:
            row[key] /= max(row["readings"], 1)
    for row in rows.values():
        clean = rows.get(0, row)
        row["share"] = row["per_second"] / clean["per_second"]
    return [rows[rate] for rate in sorted(rows)]


def name(rate):
    if rate == 0:
        return "0"
    exponent = math.floor(math.log10(rate) + 1e-9)
    digit = round(rate / 10**exponent)
    small = str(exponent).replace("-", "−").translate(str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return ("" if digit == 1 else f"{digit}·") + "10" + small


def table(rows):
    print("| bit error rate | readings | wrong | phantoms | readings/s | of clean | confirming requests "
          "| latency median | 99 % | longest gap | gaps over 10 s | checksum only: wrong | with length: wrong |")
    print("|---|" + 12 * "--:|")
    for row in rows:
        wrong = row["wrong_values"] + row["wrong_refusals"]
        phantoms = row["phantom_identities"] + row["wrong_details"]
        cells = [
            name(row["ber"]), f"{row['readings']:,}", f"{wrong}", f"{phantoms}", f"{row['per_second']:.1f}",
            f"{100 * row['share']:.1f} %", f"{100 * row['confirmations'] / max(row['requests'], 1):.2f} %",
            f"{row['latency_ms_median']:.0f} ms", f"{row['latency_ms_p99']:.0f} ms", f"{row['longest_gap_s']:.1f} s", f"{row['gaps_over_10_s']:,}",
            f"{row['checksum_only_wrong']:,}", f"{row['checksum_and_length_wrong']:,}",
        ]
        print("| " + " | ".join(cells) + " |")


class Picture:
    """An SVG, built line by line."""

    def __init__(self, width, height):
        self.lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="12" role="img">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]

    def text(self, x, y, words, anchor="start", fill="#222222", size=12, weight="normal"):
        self.lines.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}" '
            f'font-weight="{weight}">{words}</text>')

    def line(self, x1, y1, x2, y2, stroke="#dddddd"):
        self.lines.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"/>')

    def curve(self, points, stroke):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.lines.append(f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="2"/>')
        for x, y in points:
            self.lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{stroke}"/>')

    def arrow(self, x, y, stroke):
        """An upper bound: a bar with an arrow down."""
        self.lines.append(
            f'<path d="M{x - 6:.1f} {y:.1f}H{x + 6:.1f}M{x:.1f} {y:.1f}V{y + 16:.1f}'
            f'm-4 -5l4 5l4 -5" fill="none" stroke="{stroke}" stroke-width="2"/>')

    def end(self):
        return "\n".join(self.lines + ["</svg>"])


def draw(rows):
    width, height, left, top, inner, gap = 900, 420, 70, 60, 330, 110
    bottom = top + 270
    picture = Picture(width, height)
    blue, red, grey = "#1f5fa8", "#c0392b", "#777777"
    places = {row["ber"]: index for index, row in enumerate(rows)}

    def across(start, rate):
        return start + inner * (places[rate] + 0.5) / len(rows)

    def axis(start):
        for row in rows:
            x = across(start, row["ber"])
            picture.line(x, top, x, bottom, "#f0f0f0")
            picture.text(x, bottom + 18, name(row["ber"]), "middle")
        picture.text(start + inner / 2, bottom + 38, "bit error rate", "middle", grey)
        picture.line(start, bottom, start + inner, bottom, "#888888")

    # Left: wrong values per reading. None is an upper bound, three over the readings (95 %).
    picture.text(left - 50, 26, "Wrong values per published reading", size=15, weight="bold")
    axis(left)
    low, high = -9, -1

    def rise(value):
        return bottom - (bottom - top) * (math.log10(value) - low) / (high - low)

    for power in range(low, high + 1, 2):
        picture.line(left, rise(10.0**power), left + inner, rise(10.0**power))
        picture.text(left - 8, rise(10.0**power) + 4, name(10.0**power), "end")
    naive = [
        (across(left, row["ber"]), rise(row["checksum_only_wrong"] / row["checksum_only_readings"]))
        for row in rows if row["checksum_only_wrong"] > 0
    ]
    picture.curve(naive, red)
    for row in rows:
        x = across(left, row["ber"])
        if row["wrong_values"]:
            picture.curve([(x, rise(row["wrong_values"] / row["readings"]))], blue)
        else:
            picture.arrow(x, rise(3 / max(row["readings"], 3.1)), blue)
    picture.text(left, bottom + 62, "●", fill=red)
    picture.text(left + 16, bottom + 62, "a bridge that trusts checksums, same bytes")
    picture.text(left, bottom + 80, "↧", fill=blue, weight="bold")
    picture.text(left + 16, bottom + 80, "vebridge: none seen; the bar is the 95 % upper bound")

    # Right: throughput.
    start = left + inner + gap
    picture.text(start - 50, 26, "Readings a second, relative to a clean line", size=15, weight="bold")
    axis(start)
    for share in range(0, 101, 25):
        y = bottom - (bottom - top) * share / 105
        picture.line(start, y, start + inner, y)
        picture.text(start - 8, y + 4, f"{share} %", "end")
    points = [(across(start, row["ber"]), bottom - (bottom - top) * row["share"] * 100 / 105) for row in rows]
    picture.curve(points, blue)
    for row, (x, y) in zip(rows, points):
        picture.text(x, y - 10, f"{100 * row['share']:.0f} %", "middle", blue)
    return picture.end()


def main(arguments):
    wants_table = "--table" in arguments
    paths = [argument for argument in arguments if argument != "--table"]
    if not paths:
        sys.exit(__doc__)
    rows = load(paths)
    if wants_table:
        table(rows)
    else:
        print(draw(rows))


main(sys.argv[1:])

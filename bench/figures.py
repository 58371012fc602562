#!/usr/bin/env python3
"""Measures, and writes the figures into the READMEs.

    python3 bench/figures.py            builds, measures, rewrites the block between the markers
    python3 bench/figures.py --print    the same, but prints the block and leaves the files alone

The markers are <!-- figures:begin --> and <!-- figures:end -->. Python's standard library only.
Compare figures of one run with each other; a figure of another machine or another day is another figure. The counts of
requests are the same on every machine.
"""

import argparse
import datetime
import io
import json
import os
import pathlib
import subprocess
import sys
import zipfile

sys.dont_write_bytecode = True
from words import WORDS  # noqa: E402: without the line above it would leave a folder behind

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RELEASE = TARGET / "release"
# One round may meet a busy moment of the machine; the middle one of three rarely does.
ROUNDS = 3
# Minutes of a month, of 30 days.
MONTH = 30 * 24 * 60
# The order in the README; what is left out goes into the text below.
STEPS = ("joined", "assigned", "queued", "drained", "reply", "card", "closed", "asked", "answered", "looked", "heartbeat")


def run(command, **options):
    print("$", *command, file=sys.stderr)
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=True, **options)


def asked(command):
    return json.loads(run(command, stdout=subprocess.PIPE).stdout)


def criterion(package, bench, group, ours, bound, others=()):
    """Nanoseconds of the middle round, ordered by the ratio of `ours` to `bound`."""
    names = (ours, bound, *others)
    command = f"cargo bench --locked -p {package} --bench {bench} -- --noplot --warm-up-time 1 --measurement-time 3".split()
    rounds = []
    for _ in range(ROUNDS):
        run([*command, f"^{group}/({'|'.join(names)})$"], stdout=subprocess.DEVNULL)
        folder = TARGET / "criterion" / group
        estimates = {name: json.loads((folder / name / "new" / "estimates.json").read_text()) for name in names}
        rounds.append({name: estimate["median"]["point_estimate"] for name, estimate in estimates.items()})
    return sorted(rounds, key=lambda it: it[ours] / it[bound])[ROUNDS // 2]


def build():
    # Building both at once would unify their features, and the binary would not be the one that is deployed.
    run("cargo build --release --locked -p message-ingress".split())
    packed = io.BytesIO()
    binary = RELEASE / "message-ingress"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(binary, "bootstrap")
    sizes = {"binary": binary.stat().st_size, "zipped": len(packed.getvalue())}
    run("cargo build --release --locked -p bench".split())
    return sizes


def measure(options):
    sizes = build()
    cold = asked([RELEASE / "cold-start", "--json", "--full", options.full, "--throttled", options.throttled])
    return {
        "cold": cold | sizes,
        "assignment": asked([RELEASE / "assignment", "--json", "--seconds", options.seconds]),
        "requests": asked([RELEASE / "requests", "--json"]),
        "push": criterion("wechat", "push", "push", "open_xml", "bound", ["open_json"]),
        "session_from": criterion("wechat", "push", "session_from", "parse", "json"),
        "routing": criterion("desk", "routing", "routing", "decide", "hash"),
    }


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else os.uname().machine, os.cpu_count()


def table(rows, numbers=()):
    head, *rest = rows
    rule = ["--:" if column in numbers else "---" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rest))


def of_pushes(words, pushes):
    for name, label in (("open_xml", "XML"), ("open_json", "JSON")):
        beside = words["bound"].format(ratio=pushes[name] / pushes["bound"], bound=pushes["bound"] / 1e3)
        yield words["push"].format(label), f"{pushes[name] / 1e3:.2f} µs", beside


def of_the_desk(words, measured):
    parse, route = measured["session_from"], measured["routing"]
    beside = words["json"].format(ratio=parse["parse"] / parse["json"], bound=parse["json"] / 1e3)
    yield words["session_from"], f"{parse['parse'] / 1e3:.1f} µs", beside
    beside = words["hash"].format(ratio=route["decide"] / route["hash"], bound=route["hash"] / 1e3)
    yield words["routing"], words["per_second"].format(time=route["decide"] / 1e3, rate=round(1e9 / route["decide"], -3)), beside
    for it in measured["assignment"]:
        times, answer = it["assigned_ms"], it["acknowledged_ms"]
        beside = words["reached"].format(**it, p50=answer["p50"])
        if it["unassigned"]:
            beside += words["unassigned"].format(it["unassigned"])
        yield words["assignment"].format(it["rate"]), f"p50 {times['p50']:.0f} ms, p95 {times['p95']:.0f} ms", beside


def of_cold_starts(words, cold):
    ours, hello, small = (cold.get(name) for name in ("message_ingress", "hello", "message_ingress_small_share"))
    total, least = (it["start_to_first_ms"]["p50"] for it in (ours, hello))
    yield words["total"], f"{total:.1f} ms", words["hello"].format(ratio=total / least, hello=least)
    yield words["init"], f"{ours['init_ms']['p50']:.1f} ms", f"{hello['init_ms']['p50']:.1f} ms"
    yield words["hundredth"], f"{ours['hundredth_ms']['p50']:.2f} ms", f"{hello['hundredth_ms']['p50']:.2f} ms"
    if small:
        beside = words["small_hundredth"].format(small["hundredth_ms"]["p50"])
        yield words["small"], f"{small['first_ms']['p50']:.2f} ms", beside
    else:
        yield words["small"], "–", words["skipped"].format(cold.get("small_share_skipped"))
    yield words["size"], f"{cold['zipped'] / 1e6:.2f} MB", words["unzipped"].format(cold["binary"] / 1e6)
    rss = (it["peak_rss"]["p50"] / 1e6 for it in (ours, hello))
    yield words["rss"], f"{next(rss):.1f} MB", words["hello_rss"].format(next(rss))


def of_requests(words, requests):
    rows = {row["name"]: row for row in requests["rows"]}
    for name in STEPS:
        row = rows[name]
        operations = ", ".join(f"{count} {operation}" for operation, count in row["requests"].items())
        yield (words["steps"][name], f"{sum(row['requests'].values())}: {operations}", f"{row['read_units']:g}",
               f"{row['write_units']:g}", f"{row['dynamodb_usd']:.2f}", f"{row['invocations']}: {row['lambda_usd']:.2f}")


def on_requests(words, requests):
    """What does not grow, what does, and what a month without anything costs."""
    rows = {row["name"]: row for row in requests["rows"]}
    grown = [words["grown"].format(step=words["steps"][name], before=f"{row['read_units']:g}", after=f"{row['large']['read_units']:g}")
             for name, row in rows.items() if name in STEPS and row["read_units"] != row["large"]["read_units"]]
    same = words["grown_text"].format(words["and"].join(grown)) if grown else words["same_text"]
    idle = rows["idle_minute"]
    month = words["idle"].format(requests=sum(idle["requests"].values()), dynamodb=idle["dynamodb_usd"] * MONTH / 1e6,
                                 invocations=idle["invocations"], functions=idle["lambda_usd"] * MONTH / 1e6)
    small, large = requests["small"], requests["large"]
    sizes = words["sizes"].format(small=small, large=large, same=same)
    prices = words["prices"].format(**{name: requests[f"{name}_usd"] for name in ("read_units", "write_units", "invocations")})
    return f"{words['assumed']}\n\n{sizes}\n\n{month} {prices}"


def block(words, measured, date):
    cold, requests = measured["cold"], measured["requests"]
    times = table([words["head"], *of_pushes(words, measured["push"]), *of_the_desk(words, measured), *of_cold_starts(words, cold)])
    costs = table([words["cost_head"], *of_requests(words, requests)], numbers=(2, 3, 4, 5))
    small = cold.get("message_ingress_small_share")
    cpu, cores = machine()
    seconds = measured["assignment"][0]["messages"] // measured["assignment"][0]["rate"]
    foot = words["foot"].format(full=cold["message_ingress"]["runs"], small=small["runs"] if small else 0, cpu=cpu, cores=cores,
                                date=date, seconds=seconds)
    return "\n\n".join((times, foot, words["cost_title"], costs, on_requests(words, requests)))


def write(name, text):
    """Whether the file had the markers."""
    path = ROOT / name
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        return False
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the block and leave the files alone")
    parser.add_argument("--full", type=int, default=41, metavar="RUNS", help="starts at full CPU")
    parser.add_argument("--throttled", type=int, default=21, metavar="RUNS", help="starts at the small share")
    parser.add_argument("--seconds", type=int, default=10, metavar="SECONDS", help="for each rate of messages")
    parser.add_argument("--measured", metavar="FILE", help="take what an earlier run kept there, or else keep it there")
    options = parser.parse_args()
    kept = options.measured and pathlib.Path(options.measured)
    measured = json.loads(kept.read_text()) if kept and kept.exists() else measure(options)
    if kept:
        kept.write_text(json.dumps(measured, indent=1))
    date = datetime.date.today().isoformat()
    for name, words in WORDS.items():
        text = block(words, measured, date)
        if options.print or not write(name, text):
            print(f"{name}:\n{text}\n")


if __name__ == "__main__":
    main()

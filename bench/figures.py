#!/usr/bin/env python3
"""Runs the measurements and writes the figures into the READMEs.

    python3 bench/figures.py            builds, measures, replaces the block between the markers
    python3 bench/figures.py --print    builds, measures, prints the block and changes no file

The markers are <!-- figures:begin --> and <!-- figures:end -->. The script needs only Python's standard library. Beside Kefu's
functions it measures those that `bench/peers/install.py` installs, which needs Node.js, npm and the two registries.
Only times of the same run are comparable: they depend on the machine and its load. The counts of requests do not.
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
from words import WORDS  # noqa: E402: must follow the line above, which prevents a __pycache__ folder

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RELEASE = TARGET / "release"
# The median of three rounds hides a moment in which the machine is busy.
ROUNDS = 3
FUNCTIONS = ("message-ingress", "desk-api")
SMALL_SHARE = "message_ingress_128_mb_share"
EMULATOR = "message_ingress_emulator"
# By the key in the report of `cold-start`.
PEERS = {"wechatpy_boto3": "wechatpy + boto3", "wechat_crypto_aws_sdk_v3": "wechat-crypto + AWS SDK v3"}
MINUTES_PER_MONTH = 30 * 24 * 60
# The rows of the cost table, in order.
STEPS = ("message_to_agent", "first_message_assigned", "first_message_queued", "close_and_assign_next", "agent_reply", "card",
         "close_without_queue", "message_to_robot", "faq_answer", "tick_after_robot_turn", "heartbeat")


def run(command, **options):
    print("$", *command, file=sys.stderr)
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=True, **options)


def run_json(command):
    return json.loads(run(command, stdout=subprocess.PIPE).stdout)


def criterion(package, bench, group, ours, bound, others=(), beside=None):
    """Nanoseconds per iteration by name, of the round with the median ratio of `ours` to `bound`. The profile `bench` is the
    one of the deployed functions. `beside` measures more in each round."""
    names = (ours, bound, *others)
    command = f"cargo bench --locked -p {package} --bench {bench} -- --noplot --warm-up-time 1 --measurement-time 3".split()
    rounds = []
    for _ in range(ROUNDS):
        run([*command, f"^{group}/({'|'.join(names)})$"], stdout=subprocess.DEVNULL)
        folder = TARGET / "criterion" / group
        estimates = {name: json.loads((folder / name / "new" / "estimates.json").read_text()) for name in names}
        rounds.append({name: estimate["median"]["point_estimate"] for name, estimate in estimates.items()})
        rounds[-1].update(beside() if beside else {})
    return sorted(rounds, key=lambda it: it[ours] / it[bound])[ROUNDS // 2]


def install_peers():
    """Installs the functions of other libraries; returns their folder."""
    return pathlib.Path(run([sys.executable, "bench/peers/install.py", TARGET / "peers"], stdout=subprocess.PIPE, text=True).stdout.strip())


def peers_hot_path(peers):
    """Nanoseconds of CPU time in which each of them verifies, decrypts and parses a push, by name."""
    listed = json.loads((peers / "peers.json").read_text(encoding="utf-8"))
    return {peer["name"]: float(run(peer["hot_path"], stdout=subprocess.PIPE).stdout) for peer in listed}


def zip_size(binary):
    """The size in bytes of the zip that is deployed to Lambda."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(binary, "bootstrap")
    return len(packed.getvalue())


def build():
    """Builds everything and returns the sizes of the functions' binaries."""
    sizes = {}
    # One package at a time: Cargo would unify the features of packages that it builds together.
    for package in FUNCTIONS:
        run(["cargo", "build", "--release", "--locked", "-p", package])
        binary = RELEASE / package
        sizes[package.replace("-", "_")] = {"binary": binary.stat().st_size, "zipped": zip_size(binary)}
    run("cargo build --release --locked -p bench".split())
    return sizes


def measure(options):
    sizes = build()
    peers = install_peers()
    return {
        "sizes": sizes,
        "cold": run_json([RELEASE / "cold-start", "--json", "--full", options.full, "--throttled", options.throttled, "--peers", peers]),
        "assignment": run_json([RELEASE / "assignment", "--json", "--seconds", options.seconds]),
        "requests": run_json([RELEASE / "requests", "--json"]),
        "push": criterion("wechat", "push", "push", "open_xml", "bound", ["open_json"], lambda: peers_hot_path(peers)),
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


def push_rows(words, pushes):
    for name, label in (("open_xml", "XML"), ("open_json", "JSON")):
        beside = words["bound"].format(ratio=pushes[name] / pushes["bound"], bound=pushes["bound"] / 1e3)
        yield words["push"].format(label), f"{pushes[name] / 1e3:.2f} µs", beside
    for name in PEERS.values():
        ratio = words["slower"].format(ratio=pushes[name] / pushes["open_xml"])
        yield words["peer_push"].format(name), f"{pushes[name] / 1e3:.0f} µs", ratio


def desk_rows(words, measured):
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


def start_row(words, cold, name, label):
    """The start of a program, with its CPU time; the ratios are the medians of the rounds."""
    it, hello = cold[name], cold["hello"]
    result = words["start"].format(total=it["start_to_first_ms"]["p50"], cpu=it["start_to_first_cpu_ms"]["p50"])
    beside = words["hello"].format(ratio=cold["ratios_to_hello"][name]["p50"], cpu_ratio=cold["cpu_ratios_to_hello"][name]["p50"],
                                   hello=hello["start_to_first_ms"]["p50"], hello_cpu=hello["start_to_first_cpu_ms"]["p50"])
    yield label, result, beside


def cold_start_rows(words, cold, sizes):
    ingress, hello, small = (cold.get(name) for name in ("message_ingress", "hello", SMALL_SHARE))
    yield from start_row(words, cold, "message_ingress", words["total"])
    yield words["init"], f"{ingress['init_ms']['p50']:.1f} ms", f"{hello['init_ms']['p50']:.1f} ms"
    yield words["hundredth"], f"{ingress['hundredth_ms']['p50']:.2f} ms", f"{hello['hundredth_ms']['p50']:.2f} ms"
    yield words["warm_cpu"], f"{ingress['warm_cpu_ms']['p50']:.2f} ms", f"{hello['warm_cpu_ms']['p50']:.2f} ms"
    yield from start_row(words, cold, EMULATOR, words["emulator_total"])
    for key, name in PEERS.items():
        yield from start_row(words, cold, key, words["peer_total"].format(name))
        peer = cold[key]
        yield words["peer_warm"].format(name), f"{peer['warm_cpu_ms']['p50']:.2f} ms", words["peer_rss"].format(peer["peak_rss"]["p50"] / 1e6)
    yield from start_row(words, cold, "desk_api", words["desk_api_total"])
    if small:
        beside = words["small_hundredth"].format(small["hundredth_ms"]["p50"])
        yield words["small"], f"{small['first_ms']['p50']:.2f} ms", beside
    else:
        yield words["small"], "–", words["skipped"].format(cold.get("small_share_skipped"))
    for name, size in sizes.items():
        label = words["size"].format(name.replace("_", "-"))
        yield label, f"{size['zipped'] / 1e6:.2f} MB", words["unzipped"].format(size["binary"] / 1e6)
    rss = (it["peak_rss"]["p50"] / 1e6 for it in (ingress, hello))
    yield words["rss"], f"{next(rss):.1f} MB", words["hello_rss"].format(next(rss))
    yield words["log"], words["bytes"].format(ingress["log_per_event"]["p50"]), "–"


def request_rows(words, requests):
    rows = {row["name"]: row for row in requests["rows"]}
    for name in STEPS:
        row = rows[name]
        operations = ", ".join(f"{count} {operation}" for operation, count in row["requests"].items())
        yield (words["steps"][name], f"{sum(row['requests'].values())}: {operations}", f"{row['read_units']:g}",
               f"{row['write_units']:g}", f"{row['dynamodb_usd']:.2f}", f"{row['invocations']}: {row['lambda_usd']:.2f}")


def request_notes(words, requests):
    """How the counts depend on the size of the desk, and the cost of a month without traffic."""
    rows = {row["name"]: row for row in requests["rows"]}
    grown = [words["grown"].format(step=words["steps"][name], before=f"{row['read_units']:g}", after=f"{row['large']['read_units']:g}")
             for name, row in rows.items() if name in STEPS and row["read_units"] != row["large"]["read_units"]]
    same = words["grown_text"].format(words["and"].join(grown)) if grown else words["same_text"]
    idle = rows["idle_minute"]
    month = words["idle"].format(requests=sum(idle["requests"].values()), dynamodb=idle["dynamodb_usd"] * MINUTES_PER_MONTH / 1e6,
                                 invocations=idle["invocations"], functions=idle["lambda_usd"] * MINUTES_PER_MONTH / 1e6)
    small, large = requests["small"], requests["large"]
    sizes = words["sizes"].format(small=small, large=large, same=same)
    prices = words["prices"].format(**{name: requests[f"{name}_usd"] for name in ("read_units", "write_units", "invocations")})
    return f"{words['assumed']}\n\n{sizes}\n\n{month} {prices}"


def block(words, measured, date):
    cold, requests = measured["cold"], measured["requests"]
    times = table([words["head"], *push_rows(words, measured["push"]), *desk_rows(words, measured), *cold_start_rows(words, cold, measured["sizes"])])
    costs = table([words["cost_head"], *request_rows(words, requests)], numbers=(2, 3, 4, 5))
    small = cold.get(SMALL_SHARE)
    cpu, cores = machine()
    seconds = measured["assignment"][0]["messages"] // measured["assignment"][0]["rate"]
    foot = words["foot"].format(full=cold["message_ingress"]["runs"], small=small["runs"] if small else 0, cpu=cpu, cores=cores,
                                peers=cold[next(iter(PEERS))]["runs"], date=date, seconds=seconds)
    return "\n\n".join((times, foot, words["cost_title"], costs, request_notes(words, requests)))


def write(name, text):
    """Replaces the block in a file; returns False if the file has no markers."""
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
    parser.add_argument("--print", action="store_true", help="print the block and change no file")
    parser.add_argument("--full", type=int, default=41, metavar="RUNS", help="number of starts at full CPU")
    parser.add_argument("--throttled", type=int, default=21, metavar="RUNS", help="number of starts at the CPU share of 128 MB")
    parser.add_argument("--seconds", type=int, default=10, metavar="SECONDS", help="seconds for each rate of messages")
    parser.add_argument("--measured", metavar="FILE", help="read the measurements from FILE, or save them there if it does not exist")
    options = parser.parse_args()
    saved = options.measured and pathlib.Path(options.measured)
    measured = json.loads(saved.read_text()) if saved and saved.exists() else measure(options)
    if saved:
        saved.write_text(json.dumps(measured, indent=1))
    date = datetime.date.today().isoformat()
    for name, words in WORDS.items():
        text = block(words, measured, date)
        if options.print or not write(name, text):
            print(f"{name}:\n{text}\n")


if __name__ == "__main__":
    main()

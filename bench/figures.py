#!/usr/bin/env python3
"""Measures, and writes the figures into the READMEs.

    python3 bench/figures.py            builds, measures, rewrites the block between the markers
    python3 bench/figures.py --print    the same, but prints the block and leaves the files alone

The markers are <!-- figures:begin --> and <!-- figures:end -->. Python's standard library only.
Compare figures of one run with each other; a figure of another machine or another day is another figure.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
COLD_START = TARGET / "release" / "cold-start"
BINARY = TARGET / "release" / "message-ingress"
PUSH = "cargo bench --locked -p wechat --bench push --".split()
# One round may meet a busy moment of the machine; the middle one of three rarely does.
ROUNDS = 3


def run(command, **options):
    print("$", *command, file=sys.stderr)
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=True, **options)


def push():
    """Nanoseconds of the middle round, ordered by its ratio to the bound."""
    names = ("open_xml", "open_json", "bound")
    rounds = []
    for _ in range(ROUNDS):
        run([*PUSH, "--noplot", "--warm-up-time", "1", "--measurement-time", "3", r"^push/(open_xml|open_json|bound)$"],
            stdout=subprocess.DEVNULL)
        folder = TARGET / "criterion" / "push"
        estimates = {name: json.loads((folder / name / "new" / "estimates.json").read_text()) for name in names}
        rounds.append({name: estimate["median"]["point_estimate"] for name, estimate in estimates.items()})
    return sorted(rounds, key=lambda it: it["open_xml"] / it["bound"])[ROUNDS // 2]


def cold_start(options):
    """The harness's own report, and the sizes of what is deployed."""
    # Building both at once would unify their features, and the binary would not be the one that is deployed.
    run("cargo build --release --locked -p message-ingress".split())
    run("cargo build --release --locked -p bench".split())
    command = [COLD_START, "--json", "--full", options.full, "--throttled", options.throttled]
    report = json.loads(run(command, stdout=subprocess.PIPE).stdout)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(BINARY, "bootstrap")
    return report | {"binary": BINARY.stat().st_size, "zipped": len(packed.getvalue())}


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else os.uname().machine, os.cpu_count()


WORDS = {
    "README.md": {
        "head": ("Measured", "Figure", "Beside it, in the same run"),
        "push": "Verify, decrypt and parse a 600-byte push, {}",
        "bound": "{ratio:.1f} × the bound of {bound:.2f} µs (SHA-1 and AES-256-CBC over the same bytes)",
        "total": "`message-ingress`: process start → first push answered",
        "hello": "{ratio:.1f} × a hello-world function ({hello:.1f} ms)",
        "init": "of which until it asks for an event: connections open, the vault's key and the bindings read",
        "hundredth": "the hundredth push",
        "small": "First push after the start, at a 128 MB function's share of the CPU",
        "small_hundredth": "the hundredth: {:.2f} ms",
        "skipped": "not measured: {}",
        "size": "Binary, zipped",
        "unzipped": "{:.2f} MB unzipped",
        "rss": "Peak resident memory, after a hundred pushes",
        "hello_rss": "hello world: {:.1f} MB",
        "foot": "Medians of {full} starts ({small} at the small share) on {cpu}, {cores} cores, {date}, with the table behind TLS on"
                " loopback; no network, microVM or download of code is in them. Made by `python3 bench/figures.py`, which runs"
                " `cargo bench -p wechat` and `target/release/cold-start`.",
    },
    "README.zh-CN.md": {
        "head": ("测量项", "数值", "同一次运行中的对照"),
        "push": "一条 600 字节推送的验签、解密与解析，{}",
        "bound": "下限 {bound:.2f} µs（对同样字节做 SHA-1 与 AES-256-CBC）的 {ratio:.1f} 倍",
        "total": "`message-ingress`：进程启动 → 首条推送应答",
        "hello": "hello world 函数（{hello:.1f} ms）的 {ratio:.1f} 倍",
        "init": "其中直到首次请求事件为止：连接已建立，保险库密钥与绑定已读取",
        "hundredth": "第一百条推送",
        "small": "启动后的首条推送，CPU 份额等同 128 MB 函数",
        "small_hundredth": "第一百条：{:.2f} ms",
        "skipped": "未测量：{}",
        "size": "二进制文件，zip 压缩后",
        "unzipped": "压缩前 {:.2f} MB",
        "rss": "处理一百条推送后的内存峰值",
        "hello_rss": "hello world：{:.1f} MB",
        "foot": "以上为 {full} 次启动（小份额 {small} 次）的中位数；机器：{cpu}，{cores} 核；日期：{date}；数据表在本机回环的 TLS 之后，"
                "不含网络、微虚拟机与代码下载的时间。由 `python3 bench/figures.py` 生成，它运行 `cargo bench -p wechat` 与"
                " `target/release/cold-start`。",
    },
}


def block(words, pushes, cold, date):
    ours, hello, small = (cold.get(name) for name in ("message_ingress", "hello", "message_ingress_small_share"))
    rows = [words["head"], ("---", "---", "---")]
    for name, label in (("open_xml", "XML"), ("open_json", "JSON")):
        beside = words["bound"].format(ratio=pushes[name] / pushes["bound"], bound=pushes["bound"] / 1e3)
        rows.append((words["push"].format(label), f"{pushes[name] / 1e3:.2f} µs", beside))
    total, least = (it["start_to_first_ms"]["p50"] for it in (ours, hello))
    rows.append((words["total"], f"{total:.1f} ms", words["hello"].format(ratio=total / least, hello=least)))
    rows.append((words["init"], f"{ours['init_ms']['p50']:.1f} ms", f"{hello['init_ms']['p50']:.1f} ms"))
    rows.append((words["hundredth"], f"{ours['hundredth_ms']['p50']:.2f} ms", f"{hello['hundredth_ms']['p50']:.2f} ms"))
    if small:
        beside = words["small_hundredth"].format(small["hundredth_ms"]["p50"])
        rows.append((words["small"], f"{small['first_ms']['p50']:.2f} ms", beside))
    else:
        rows.append((words["small"], "–", words["skipped"].format(cold.get("small_share_skipped"))))
    rows.append((words["size"], f"{cold['zipped'] / 1e6:.2f} MB", words["unzipped"].format(cold["binary"] / 1e6)))
    rows.append((words["rss"], f"{ours['peak_rss']['p50'] / 1e6:.1f} MB", words["hello_rss"].format(hello["peak_rss"]["p50"] / 1e6)))
    cpu, cores = machine()
    foot = words["foot"].format(full=ours["runs"], small=small["runs"] if small else 0, cpu=cpu, cores=cores, date=date)
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", foot])


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
    options = parser.parse_args()
    cold, pushes = cold_start(options), push()
    date = datetime.date.today().isoformat()
    for name, words in WORDS.items():
        text = block(words, pushes, cold, date)
        if options.print or not write(name, text):
            print(f"{name}:\n{text}\n")


if __name__ == "__main__":
    main()

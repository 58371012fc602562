#!/usr/bin/env python3
"""Writes the figures of what robots recognize into the READMEs: requests for a person, and questions of a FAQ.

    python3 bench/recognition.py            runs the tests that measure them, replaces the block between the markers
    python3 bench/recognition.py --check    the same, but fails where the block is another, and changes no file

The markers are <!-- recognition:begin --> and <!-- recognition:end -->. The figures depend on the code alone, not on the machine.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- recognition:begin -->", "<!-- recognition:end -->"
WORDS = {
    "README.md": {
        "handover": "Requests for a person, on the phrases in `shared/desk/tests/handover`: {known[0]} of {known[1]} requests missed and"
                    " {known[2]} of {known[3]} other texts taken for one; on held-out phrases, {held_out[0]} of {held_out[1]} and {held_out[2]} of"
                    " {held_out[3]}. Of phrases that were collected later, one in eight was classified wrongly when it was first tried.",
        "faq": "Near misses of an `faq` robot, which differ from a known question in a number, an opposite or a name: {known[0]} of"
               " {known[1]} answered directly; held out, {held_out[0]} of {held_out[1]}. Of near misses that were collected later, one in"
               " three was answered directly when it was first tried.",
        "recall": "Paraphrases of an `faq` robot's questions: {set_by[0]} of {set_by[1]} found, {set_by[2]} of them answered directly and the"
                  " others offered as a choice; held out, {held_out[0]} of {held_out[1]} and {held_out[2]}.",
        "made_by": "Made by `python3 bench/recognition.py`.",
    },
    "README.zh-CN.md": {
        "handover": "识别转人工请求（`shared/desk/tests/handover` 中的语句）：{known[1]} 条请求漏识 {known[0]} 条，{known[3]} 条其他语句误判 {known[2]} 条；"
                    "保留语句：{held_out[1]} 条请求漏识 {held_out[0]} 条，{held_out[3]} 条其他语句误判 {held_out[2]} 条。后来收集的语句首次测试时约八分之一判断有误。",
        "faq": "`faq` 机器人的近似问题（与已知问题仅数字、反义词或名称不同）：{known[1]} 条中直接作答 {known[0]} 条；保留集 {held_out[1]} 条中 {held_out[0]} 条。"
               "后来收集的近似问题首次测试时约三分之一被直接作答。",
        "recall": "`faq` 机器人对换一种说法的提问：{set_by[1]} 条中找到 {set_by[0]} 条，其中直接作答 {set_by[2]} 条，其余以选项列出；"
                  "保留集 {held_out[1]} 条中找到 {held_out[0]} 条，直接作答 {held_out[2]} 条。",
        "made_by": "由 `python3 bench/recognition.py` 生成。",
    },
}
# What a test prints: the kind of figures, and the part of the samples.
LINE = re.compile(r"\b(handover|faq|recall) (known|set by|held out): (.*)$", re.MULTILINE)


def measure():
    command = "cargo test --locked -q -p desk --test handover --test faq -- --nocapture figures_hold near_misses_are metrics_hold".split()
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured = {}
    for kind, part, text in LINE.findall(printed):
        measured.setdefault(kind, {})[part.replace(" ", "_")] = re.findall(r"\d+", text)
    return measured


def main():
    measured = measure()
    wrong = []
    for name, words in WORDS.items():
        path = ROOT / name
        page = path.read_text(encoding="utf-8")
        before, begin, rest = page.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            sys.exit(f"{name} has no markers")
        lines = [words[kind].format(**measured[kind]) for kind in ("handover", "faq", "recall")]
        block = "\n\n".join([*lines, words["made_by"]])
        new = f"{before}{BEGIN}\n{block}\n{END}{after}"
        if new != page:
            wrong.append(name)
        if "--check" not in sys.argv:
            path.write_text(new, encoding="utf-8")
    if "--check" in sys.argv and wrong:
        sys.exit(f"the figures changed: run python3 bench/recognition.py ({', '.join(wrong)})")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Installs the functions that the measurements compare Kefu with, and prints the folder.

    python3 bench/peers/install.py [FOLDER]     the default is target/peers

| Peer | Libraries |
|---|---|
| `wechatpy + boto3` | `python/requirements.txt`, in a virtual environment |
| `wechat-crypto + AWS SDK v3` | `node/package-lock.json`, by `npm ci` |

`peers.json` in the folder lists the command of each function and of the measurement of its hot path. Nothing is installed again
while the pinned versions stay the same.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent
ROOT = SOURCE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def run(*command, cwd=None):
    print("$", *command, file=sys.stderr)
    subprocess.run([str(part) for part in command], cwd=cwd, check=True, stdout=sys.stderr)


def install(folder, name, pinned, command):
    """Copies a peer's source and runs `command` in the copy, unless it ran there for the same pinned versions."""
    copy, mark = folder / name, folder / name / "installed"
    wanted = (SOURCE / name / pinned).read_text(encoding="utf-8")
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(SOURCE / name, copy)
        command(copy)
        mark.write_text(wanted, encoding="utf-8")
    shutil.copytree(SOURCE / name, copy, dirs_exist_ok=True)
    return copy


def install_python(copy):
    run(sys.executable, "-m", "venv", copy / "venv")
    run(copy / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement", copy / "requirements.txt")
    # As in a deployed package, the byte code is there at the first start.
    run(copy / "venv/bin/python", "-m", "compileall", "-q", copy)


def install_node(copy):
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=copy)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else TARGET / "peers").resolve()
    python = install(folder, "python", "requirements.txt", install_python)
    node = install(folder, "node", "package-lock.json", install_node)
    interpreters = (python / "venv/bin/python", shutil.which("node"))
    peers = [
        {
            "name": name,
            "function": [str(interpreter), str(copy / f"bootstrap.{suffix}")],
            "hot_path": [str(interpreter), str(copy / f"hot_path.{suffix}")],
        }
        for name, interpreter, copy, suffix in (
            ("wechatpy + boto3", interpreters[0], python, "py"),
            ("wechat-crypto + AWS SDK v3", interpreters[1], node, "js"),
        )
    ]
    (folder / "peers.json").write_text(json.dumps(peers, indent=1) + "\n", encoding="utf-8")
    print(folder)


if __name__ == "__main__":
    main()

"""Keeps a snapshot of the RustSec advisory database, for machines whose network does not reach it.

The snapshot is `.ci/advisories.txt`: the machine-readable part and the title of every advisory, so that it also covers
crates that the workspace does not use yet. Its first lines name the commit and the date.

    python3 .ci/advisories.py renew            clones the database and rewrites the snapshot
    python3 .ci/advisories.py renew CLONE      the same from a clone that is already there
    python3 .ci/advisories.py unpack FOLDER    writes the snapshot as a git repository, the form that cargo-deny reads
"""

import pathlib
import re
import subprocess
import sys
import tempfile

DATABASE = "https://github.com/RustSec/advisory-db"
SNAPSHOT = pathlib.Path(__file__).resolve().parent / "advisories.txt"
HEADER = """\
RustSec advisory database, commit {commit}, {date}.
Rewritten by `python3 .ci/advisories.py renew`. Source: {database}.
Public domain (CC0 1.0), but advisories with `license = "CC-BY-4.0"`, which GitHub's advisory database (github.com/advisories) published.
"""
MARK = "=== "
# The TOML front matter and the title; the rest of an advisory is prose.
ADVISORY = re.compile(r"```toml\n.*?\n```\s*\n# [^\n]*\n", re.DOTALL)


def git(folder, *arguments):
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout.strip()


def renew(clone):
    """Rewrites the snapshot from a clone of the database."""
    root = pathlib.Path(clone)
    advisories = sorted(root.glob("crates/*/RUSTSEC-*.md"))
    if not advisories:
        sys.exit(f"{root} holds no advisories")
    commit, date = git(root, "log", "-1", "--format=%H %cs").split()
    parts = [HEADER.format(commit=commit, date=date, database=DATABASE)]
    for path in advisories:
        match = ADVISORY.match(path.read_text(encoding="utf-8"))
        if match is None:
            sys.exit(f"{path}: neither front matter nor title found")
        parts.append(f"{MARK}{path.relative_to(root)}\n{match.group()}")
    SNAPSHOT.write_text("".join(parts), encoding="utf-8")
    print(f"{len(advisories)} advisories of {date}")


def unpack(folder):
    """Writes the snapshot to `folder` as a git repository with one commit."""
    root = pathlib.Path(folder)
    header, *advisories = SNAPSHOT.read_text(encoding="utf-8").split(f"\n{MARK}")
    for advisory in advisories:
        name, text = advisory.split("\n", 1)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    author = ["-c", "user.name=snapshot", "-c", "user.email=snapshot@localhost", "-c", "commit.gpgsign=false"]
    git(root, *author, "commit", "--quiet", "--message", header.splitlines()[0])
    print(f"{len(advisories)} advisories. {header.splitlines()[0]}")


def main(command=None, place=None):
    if command == "renew" and place is None:
        with tempfile.TemporaryDirectory() as clone:
            subprocess.run(["git", "clone", "--quiet", "--depth=1", DATABASE, clone], check=True)
            renew(clone)
    elif command == "renew":
        renew(place)
    elif command == "unpack" and place is not None:
        unpack(place)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])

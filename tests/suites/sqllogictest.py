"""Public sqllogictest suites against a server of its own: records of other engines, carried over to T-SQL where only spelling differs.

    python3 tests/suites/sqllogictest.py RUNNER [--suite NAME] [--only GLOB] [--folder NAME=FOLDER] [--work FOLDER] [--log FILE]

RUNNER is the `holdfast` binary; python-tds must be installed. The suites are files inside packages of crates.io (SUITES), which
`cargo info` brings; nothing of them is kept here. `--folder` takes any other folder of sqllogictest files. `--log` gets every record.

A record passes, or is not applicable (T-SQL refuses its syntax, its functions or its types, or it stands on a statement that was not
applicable), or is known to differ (`sqllogictest.txt`, each with why), or is unexpected: then the exit code is 1, as it is when a line
of that list meets no record any more. The rewrites are listed in `slt/spelling.py`, each a function. A run takes five minutes.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from glob import glob

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "random"))

from server import Server  # noqa: E402
from slt.run import Run  # noqa: E402
from slt.spelling import Dialect  # noqa: E402

# name: crate, version, folder inside it, whether its engine puts NULLs last
SUITES = {
    "datafusion": ("datafusion-sqllogictest", "55.2.0", "test_files", True),
    "kite": ("kite_sql", "0.6.0", "tests/slt", True),
    "llkv": ("llkv-slt-tester", "0.8.5-alpha", "tests/slt", True),
    "risinglight": ("risinglight", "0.2.0", "tests/sql", False),
    "stoolap": ("stoolap", "0.4.2", "tests/slt", True),
}


def fetched(crate, version, work):
    """The folder of a crate's sources."""
    folder = os.path.join(work, f"{crate}-{version}")
    if not os.path.exists(folder):
        # `cargo info` downloads the package it tells of, and nothing else.
        subprocess.run(["cargo", "info", "--quiet", f"{crate}@{version}"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        home = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
        with tarfile.open(glob(f"{home}/registry/cache/*/{crate}-{version}.crate")[0]) as t:
            t.extractall(work, filter="data")
    return folder


def files(root):
    """Files of records; those that begin with _ are only included by others."""
    found = [os.path.join(folder, n) for folder, _, names in os.walk(root) for n in names]
    return sorted(os.path.relpath(f, root) for f in found if f.endswith((".slt", ".test")) and not os.path.basename(f).startswith("_"))


def listed(path):
    with open(path, encoding="utf-8") as f:
        lines = [line.strip() for line in f]
    return [line.partition(" # ")[0].strip() for line in lines if line and not line.startswith("#")]


def summary(figures):
    """One line per class, what is not applicable after the rest."""
    order = sorted(figures.items(), key=lambda x: (x[0].startswith("not applicable"), -x[1]))
    return "\n".join(f"  {n:6} {kind}" for kind, n in order)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("runner")
    p.add_argument("--suite", action="append", choices=list(SUITES))
    p.add_argument("--only", default="*", help="files whose suite/name matches")
    p.add_argument("--folder", action="append", default=[], help="a suite that lies in a folder")
    p.add_argument("--work", default=os.path.join(HERE, "../../target/suites/sqllogictest"))
    p.add_argument("--log")
    a = p.parse_args()
    os.makedirs(a.work, exist_ok=True)
    suites = [f.split("=", 1) + [True] for f in a.folder]
    for name in a.suite or (() if suites else SUITES):
        crate, version, inside, nulls_last = SUITES[name]
        suites.append((name, os.path.join(fetched(crate, version, a.work), inside), nulls_last))
    known = listed(os.path.join(HERE, "sqllogictest.txt"))
    log = open(a.log, "w", encoding="utf-8") if a.log else None
    total = Counter()
    with tempfile.TemporaryDirectory() as directory:
        server = Server(os.path.abspath(a.runner), directory)
        server.start()
        try:
            run = Run(server, known, log)
            for name, root, nulls_last in suites:
                run.figures = Counter()
                for f in files(root):
                    if fnmatch.fnmatch(f"{name}/{f}", a.only):
                        run.play(name, root, f, Dialect(nulls_last))
                print(f"{name}: {sum(run.figures.values())} records\n{summary(run.figures)}", flush=True)
                total += run.figures
        finally:
            server.end()
    names = tuple(f"{name}/" for name, *_ in suites)
    stale = [k for k in known if a.only == "*" and k.startswith(names) and k not in run.met]
    for heading, lines in (
        ("unexpected", run.unexpected),
        ("slow", run.slow),
        ("listed and does not differ any more", stale),
        ("not read further", run.unread),
    ):
        print("".join(f"{heading}: {line}\n" for line in lines), end="")
    judged = {k: total[k] for k in ("passed", "known to differ")}
    unexpected = sum(n for k, n in total.items() if k.startswith("unexpected"))
    skipped = sum(n for k, n in total.items() if k.startswith("not applicable"))
    print(f"{judged['passed']} passed, {judged['known to differ']} known to differ, {unexpected} unexpected, {skipped} not applicable")
    return 1 if run.unexpected or stale else 0


if __name__ == "__main__":
    sys.exit(main())

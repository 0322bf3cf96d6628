"""What cargo has built that can be run in an emulated machine."""

import json
import subprocess
from pathlib import Path

from skipped import DIVIDED

SOURCES = Path(__file__).resolve().parents[2]
# No test harnesses: they succeed or fail as a whole, but for check-hw, which says so of each check.
PLAIN = {
    "check-hw": [],
    "hello": [],
    "javascript": [],
    "save_snapshot": ["/tmp/demo.hls"],
    "webassembly": [str(SOURCES / "examples/programs")],
}


def programs(lines):
    """The programs that cargo has built, by name."""
    built = {}
    for line in lines:
        message = json.loads(line)
        if not message.get("executable"):
            continue
        target, is_test = message["target"], message["profile"]["test"]
        is_ours = Path(message["manifest_path"]).parent.name in ("tests", "core")
        if (is_test and is_ours and target["kind"] in (["test"], ["lib"])) or (not is_test and target["name"] in PLAIN):
            built[target["name"]] = message["executable"]
    return built


def modules_of(program):
    """The modules of a program of tests by name, each with the program and the names of its tests."""
    listed = subprocess.run([program, "--list", "--format=terse"], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = {}
    for test in (line.removesuffix(": test") for line in listed.splitlines()):
        module, _, name = test.rpartition("::")
        found.setdefault(f"{DIVIDED}::{module}", (program, []))[1].append(name)
    return found

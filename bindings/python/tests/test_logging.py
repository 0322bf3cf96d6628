"""Log records of the guest arrive at logging.getLogger("libhyperlight")."""

from __future__ import annotations

import logging

import pytest

from conftest import MakeSandbox, RunPython

LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG, 5: 5}


@pytest.mark.parametrize("enabled", [logging.CRITICAL, *LEVELS.values()])
def test_levels(make: MakeSandbox, caplog: pytest.LogCaptureFixture, enabled: int) -> None:
    caplog.set_level(enabled, logger="libhyperlight")
    sandbox = make()
    for level in LEVELS:
        sandbox.call("LogMessage", f"level {level}", level)
    expected = [(number, f"level {level}") for level, number in LEVELS.items() if number >= enabled]
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == expected


def test_records_say_who_speaks(make: MakeSandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="libhyperlight")
    make().call("LogMessageWithSource", "100 %s", "there.c", 3)
    (record,) = caplog.records
    assert record.name == "libhyperlight"
    assert record.getMessage() == "100 %s"
    assert record.target == "there.c"  # type: ignore[attr-defined]
    assert record.pathname == "there.c" and record.lineno > 0


def test_no_guest_speaks_for_the_library(make: MakeSandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="libhyperlight")
    for name in ("libhyperlight", "libhyperlight::guest", "hyperlighting"):
        make().call("LogMessageWithSource", "text", name, 3)
    targets = [record.target for record in caplog.records]  # type: ignore[attr-defined]
    assert targets == ["guest", "guest", "hyperlighting"]


def test_levels_may_change_between_calls(make: MakeSandbox, caplog: pytest.LogCaptureFixture) -> None:
    sandbox = make()
    sandbox.call("LogMessage", "unheard", 4)
    for logger in ("libhyperlight", None):
        with caplog.at_level(logging.DEBUG, logger=logger):
            sandbox.call("LogMessage", "heard", 4)
        sandbox.call("LogMessage", "unheard", 4)
    assert [record.getMessage() for record in caplog.records] == ["heard", "heard"]


def test_a_handler_that_fails_harms_nobody(make: MakeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise ValueError("broken handler")

    seen: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: seen.append(unraisable.exc_value))
    handler = Broken()
    logger = logging.getLogger("libhyperlight")
    logger.addHandler(handler)
    try:
        sandbox = make()
        sandbox.call("LogMessage", "x", 1)
        assert sandbox.call("Echo", "hi") == "hi"
    finally:
        logger.removeHandler(handler)
    assert [str(error) for error in seen] == ["broken handler"]


def test_silent_unless_asked(run_python: RunPython) -> None:
    program = """
import sys, libhyperlight as hl
assert "asyncio" not in sys.modules
with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
    sandbox.call("LogMessage", "an error", 1)
"""
    ended = run_python(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")

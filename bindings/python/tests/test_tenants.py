"""Tenants of one snapshot: none finds anything of another, and none draws another's random numbers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import libhyperlight as hl
import pytest

from conftest import MakeSandbox

KIB = 1 << 10
SIZES = {"heap_size": 512 * KIB, "stack_size": 64 * KIB, "input_size": 64 * KIB, "output_size": 64 * KIB}


def contents(sandbox: hl.Sandbox) -> bytes:
    """All that the guest can write."""
    parts = []
    for span in ("heap", "stack", "input", "output", "log_ring"):
        end = sandbox.call("AddressOf", f"{span}_end")
        for at in range(sandbox.call("AddressOf", span), end, 32 * KIB):
            parts.append(sandbox.call("ReadMemory", at, min(32 * KIB, end - at)))
    return b"".join(parts)


class Secret:
    """What one tenant leaves wherever it can."""

    def __init__(self) -> None:
        self.bytes, self.text = secrets.token_bytes(32), secrets.token_hex(32)

    def plant(self, sandbox: hl.Sandbox) -> None:
        sandbox.call("AddToStatic", 1)
        sandbox.call("EchoBytes", self.bytes * 100)
        sandbox.call("Echo", self.text * 100)
        sandbox.call("LogMessage", self.text, 3)
        for span in ("heap", "stack"):
            middle = (sandbox.call("AddressOf", span) + sandbox.call("AddressOf", f"{span}_end")) // 2
            sandbox.call("WriteMemory", middle, self.bytes)

    def is_in(self, sandbox: hl.Sandbox) -> bool:
        found = contents(sandbox)
        return self.bytes in found or self.text.encode() in found


def ends_well(sandbox: hl.Sandbox, secret: Secret) -> None:
    pass


def panics(sandbox: hl.Sandbox, secret: Secret) -> None:
    with pytest.raises(hl.GuestAbort):
        sandbox.call("Panic", secret.text)


def is_stopped(sandbox: hl.Sandbox, secret: Secret) -> None:
    with pytest.raises(hl.GuestTimeout):
        sandbox.call("Spin", timeout=0.02)


Ending = Callable[[hl.Sandbox, Secret], None]
ENDINGS: list[Ending] = [ends_well, panics, is_stopped]


def fresh(make: MakeSandbox) -> tuple[hl.Sandbox, hl.Snapshot]:
    sandbox = make(**SIZES)
    sandbox.evolve()
    return sandbox, sandbox.snapshot()


@pytest.mark.parametrize("ending", ENDINGS)
def test_after_a_restore_nothing_is_left(make: MakeSandbox, ending: Ending) -> None:
    sandbox, snapshot = fresh(make)
    secret = Secret()
    secret.plant(sandbox)
    # Or the rest would show nothing.
    assert secret.is_in(sandbox)
    ending(sandbox, secret)
    sandbox.restore(snapshot)
    assert not secret.is_in(sandbox)
    assert sandbox.call("GetStatic") == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_next_user_of_a_pools_member_finds_nothing(make: MakeSandbox, ending: Ending) -> None:
    secret = Secret()
    with hl.SandboxPool(fresh(make)[1], size=1) as pool:
        with pool.acquire() as member:
            secret.plant(member)
            ending(member, secret)
        with pool.acquire() as member:
            assert not secret.is_in(member)
            assert member.call("GetStatic") == 0
        assert pool.stats().created == 1


def test_clones_do_not_see_each_other(make: MakeSandbox) -> None:
    snapshot = fresh(make)[1]
    clones = [make(snapshot) for _ in range(8)]
    tenants = [Secret() for _ in clones]
    for clone, secret in zip(clones, tenants, strict=True):
        secret.plant(clone)
    for clone, own in zip(clones, tenants, strict=True):
        assert [secret.is_in(clone) for secret in tenants] == [secret is own for secret in tenants]
        assert clone.call("GetStatic") == 1
    # Nor does the snapshot.
    assert not any(secret.is_in(make(snapshot)) for secret in tenants)


def test_random_numbers_differ_after_each_restore_and_in_each_clone_and_member(make: MakeSandbox) -> None:
    sandbox, untouched = fresh(make)

    def draw(sandbox: Any) -> bytes:
        numbers = sandbox.call("RandomBytes", 16)
        assert isinstance(numbers, bytes)
        return numbers

    drawn = [draw(sandbox)]
    # Also where the guest's generator has been used.
    for snapshot in (untouched, sandbox.snapshot()):
        for _ in range(50):
            sandbox.restore(snapshot)
            drawn += [draw(sandbox), draw(sandbox)]
        for _ in range(20):
            with make(snapshot) as clone:
                drawn.append(draw(clone))
        with hl.SandboxPool(snapshot, size=2) as pool:
            drawn += [draw(pool) for _ in range(20)]
    assert len(drawn) == len(set(drawn)) == 1 + 2 * (100 + 20 + 20)

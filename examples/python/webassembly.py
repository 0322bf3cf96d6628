"""Untrusted WebAssembly, in virtual machines: a module from clang, one from Rust, and a component.

python webassembly.py [FOLDER OF THE PROGRAMS]
"""

import sys
from pathlib import Path

import libhyperlight as hl

PROGRAMS = Path(__file__).parent.parent / "programs"


def rule(program: Path) -> None:
    """From C: numbers, and an error."""

    def stock(item):
        """An import of the module, which gives the signature."""
        return 10 * item

    with hl.Wasm(program, host_functions={"stock": stock}, timeout=1.0) as rule:
        for name, signature in rule.functions.items():
            print(f"{name}{signature}")
        print("2 of item 1:", rule.call("price", 1, 2))
        print("11 of item 1:", rule.call("price", 1, 11))
        try:
            rule.call("crash", 1 << 30)
        except hl.GuestError as error:
            print("a trap:", str(error)[:60], "…", rule.state)


def words(program: Path) -> None:
    """From Rust: texts, passed through its memory."""
    text = b"the wall the guest the host"
    with hl.Wasm(program, timeout=1.0) as words:
        at = words.call("room", len(text))
        words.write_memory(at, text)
        index = words.call("index", at, len(text))
        print("words:", words.read_memory(index & 0xFFFF_FFFF, index >> 32).decode())


def shop(program: Path) -> None:
    """A component: lists, records, texts."""

    def log(text):
        print("  it says:", text)

    shop = hl.Wasm(program, host_functions={"log": log})
    print(f"total{shop.functions['total']}")
    with shop.pool(size=2, timeout=1.0) as pool:
        order = [{"name": "tea", "price": 3.0, "count": 2}, {"name": "cake", "price": 4.5, "count": 1}]
        print("an order:", pool.call("total", order))
        print("an empty one:", pool.call("total", []))
        try:
            pool.call("total", [{"name": "tea"}])
        except TypeError as error:
            print("half an item:", error)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROGRAMS
    rule(folder / "rule.wasm")
    words(folder / "words.wasm")
    shop(folder / "shop.wasm")

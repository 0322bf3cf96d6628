"""WebAssembly in a virtual machine: a module that clang made, and a component, both in the folder ``wasm``.

python webassembly.py [MODULE [COMPONENT]]
"""

import sys
from pathlib import Path

import hyperlight as hl

HERE = Path(__file__).parent / "wasm"


def module(path: Path) -> None:
    def progress(found, below):
        """An import of the module's: its signature is the import's."""
        print(f"  {found} primes below {below}, …")

    with hl.Wasm(path, host_functions={"env.progress": progress}, timeout=10.0) as primes:
        for name, signature in primes.functions.items():
            print(f"{name}{signature}")
        print("primes below a million:", primes.call("count_primes", 1_000_000))
        sieve = primes.read_memory(primes.call("sieve"), 20)
        print("those below twenty:", [number for number in range(2, 20) if not sieve[number]])
        try:
            primes.call("count_primes", 2_000_000)
        except hl.GuestError as error:
            print("a trap:", str(error)[:60], "…")


def component(path: Path) -> None:
    def log(text):
        print("  it says:", text)

    shop = hl.Wasm(path, host_functions={"log": log})
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
    paths = [Path(argument) for argument in sys.argv[1:]]
    module(paths[0] if paths else HERE / "primes.wasm")
    component(paths[1] if len(paths) > 1 else HERE / "shop.wasm")

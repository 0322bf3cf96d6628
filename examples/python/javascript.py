"""Somebody else's JavaScript handles our requests: behind the wall, with a time limit, and with what we give it."""

import libhyperlight as hl

STOCK = {"tea": {"price": 3, "left": 2}, "cake": {"price": 4, "left": 0}}

# What a customer has uploaded.
SCRIPT = """
function handler(order) {
    const found = order.items.map(name => ({ name, ...host.stock(name) }))
    const missing = found.filter(item => !item.left).map(item => item.name)
    console.log(`order of ${order.items.length}, ${missing.length} missing`)
    return { total: found.reduce((sum, item) => sum + item.price, 0), missing }
}
function greedy() { for (;;); }
function curious() { return `${typeof require}, ${typeof fetch}, ${typeof process}` }
"""


def stock(name: str) -> object:
    """The only thing of ours that the script can reach. Returns what is in stock, as any JSON value."""
    return STOCK[name]


def main() -> None:
    # The script is run once; each request then finds it as it was, whatever other requests have done to it.
    script = hl.JavaScript(SCRIPT, host_functions={"stock": stock}, timeout=0.5)
    with script.pool(size=2) as pool:
        print(pool.call("handler", {"items": ["tea", "cake"]}))
        try:
            pool.call("greedy")
        except hl.GuestTimeout as error:
            print("greedy:", error)
        try:
            pool.call("handler", {"items": ["gold"]})
        except KeyError as error:
            print("our own error came back:", error)
        try:
            pool.call("handler", {"items": None})
        except hl.GuestError as error:
            print("the script's error:", str(error)[:40])
        print("what else there is:", pool.call("curious"))


if __name__ == "__main__":
    main()

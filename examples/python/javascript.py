"""Untrusted JavaScript handles requests: in a virtual machine, with a time limit and one host function."""

import libhyperlight as hl

STOCK = {"tea": {"price": 3, "left": 2}, "cake": {"price": 4, "left": 0}}

# The source that a customer has uploaded.
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
    """The script's only access to this process. Returns the stock, as any JSON value."""
    return STOCK[name]


def main() -> None:
    # The script runs once; each request then gets it in that state, independent of other requests.
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

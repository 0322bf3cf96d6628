"""Host functions, their types, and their exceptions."""

import libhyperlight as hl

sandbox = hl.Sandbox(hl.Guest.builtin("demo"), timeout=5.0)


@sandbox.host_function
def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
    """The annotations are the signature that the guest sees."""
    return a + b


@sandbox.host_function(name="Withdraw")
def withdraw() -> None:
    raise PermissionError("the account is empty")


# A function without annotations needs a signature.
sandbox.register("HostEchoString", str.upper, params=[str], returns=str)

with sandbox:
    print("2 + 3 =", sandbox.call("Add", 2, 3))
    print(sandbox.call("RoundTripHostString", "loud"))

    # The guest may handle the error of a host function, …
    print("the guest saw:", sandbox.call("CallHostExpectError", "Withdraw"))
    # … or pass it on: then it is raised here, the same object, with its traceback.
    try:
        sandbox.call("HostCallLoop", "Withdraw", 1)
    except PermissionError as error:
        print("the host saw:", repr(error))

    # Types are exact.
    for wrong in ("2", 2.0, True, 2**31):
        try:
            sandbox.call("Add", wrong, 3)
        except (TypeError, OverflowError) as error:
            print(f"{type(error).__name__}: {error}")

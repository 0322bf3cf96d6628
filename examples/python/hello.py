"""The shortest program: a guest that the library carries, called in a virtual machine of its own."""

import libhyperlight as hl

with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
    sandbox.call("PrintOutput", "Hello, World! I am executing inside of a VM :)\n")

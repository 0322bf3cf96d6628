"""What `skipped` says of one machine."""

from pathlib import Path

FATES = ("fails", "hangs")
# The program with most of the tests. Each of its modules counts as a program: it is run by itself, with a time limit
# and a line in the report of its own.
DIVIDED = "engine"


class Skipped:
    """The tests that cannot pass in a machine. Those that fail are run all the same: they must go on failing."""

    def __init__(self, machine):
        self.reasons = {fate: {} for fate in FATES}
        for line in Path(__file__).with_name("skipped").read_text().splitlines():
            if line and not line.startswith("#"):
                its, name, fate, reason = line.split(None, 3)
                if its == machine:
                    self.reasons[fate][name] = reason

    def names(self):
        """Every name: of a program, or of a test of one."""
        return [name for reasons in self.reasons.values() for name in reasons]

    def whole(self, program):
        """Whether a program is not run at all."""
        return program in self.reasons["hangs"]

    def not_run(self, program):
        """The tests of a program that are not run."""
        return self._of("hangs", program)

    def must_fail(self, program):
        """The tests of a program that are run, and must fail."""
        return self._of("fails", program)

    def _of(self, fate, program):
        start = f"{program}::"
        return [name.removeprefix(start) for name in self.reasons[fate] if name.startswith(start)]

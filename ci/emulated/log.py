"""What emulated machines print."""

import re

SAID = re.compile(r"^\[ *\d+\.\d+\] check: (?:(\|) ?(.*)|begin (\S+)|end (\S+) (\d+) (\d+))$")
TEST = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED)")
SUMMARY = re.compile(r"^test result: \S+ (\d+) passed; (\d+) failed; \d+ ignored; \d+ measured; (\d+) filtered out")
# One of check-hw's.
CHECK = re.compile(r"^(ok|FAILED)  +([^:]+): ")
TROUBLE = re.compile(r"^\[ *\d+\.\d+\] .*(BUG:|WARNING:|Oops|Kernel panic|Out of memory|segfault)")
# The status of a program that was killed.
KILLED = 137


class Program:
    """What one program printed, and how it ended."""

    def __init__(self):
        self.lines, self.status, self.seconds = [], None, 0

    def tests(self, module):
        """Its tests, by their names in a module, and whether they passed; as one the program itself, if it has none."""
        tests = {}
        for line in self.lines:
            if found := TEST.match(line):
                tests[found[1].removeprefix(module)] = found[2] == "ok"
            elif found := CHECK.match(line):
                tests[found[2].replace(" ", "-")] = found[1] == "ok"
        return tests

    def summary(self):
        """The numbers of passed, failed, and left out tests by the harness's own account."""
        found = [match for match in map(SUMMARY.match, self.lines) if match]
        return tuple(int(number) for number in found[-1].groups()) if found else None


def read(log):
    """The programs by their names, and what troubled the kernel."""
    programs, trouble, current = {}, [], Program()
    for line in log.splitlines():
        if not (found := SAID.match(line)):
            if TROUBLE.match(line):
                trouble.append(line)
        elif found[1]:
            current.lines.append(found[2])
        elif found[3]:
            # One that was begun twice was interrupted, with the whole machine, the first time.
            current = programs[found[3]] = Program()
        else:
            current.status, current.seconds = int(found[5]), int(found[6])
    return programs, trouble


def last_begun(log):
    """The program that is running, if one is."""
    programs, _ = read(log)
    return next((name for name, program in programs.items() if program.status is None), None)

"""Run another program, which the kernel signals when its parent ends; as another user if asked.

    python -I -S die_with_parent.py PARENT_PID SIGNAL USER_ID GROUP_ID PROGRAM ARGUMENT... (-1: same user)

This is a separate program, since subprocess's `preexec_fn` is unsafe, and warns, once a process has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, signum: int, user: int, group: int, command: list[str]) -> None:
    """Become the program; does not return."""
    if user >= 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    # Set after the change of user, which would reset it.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signum) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # the parent ended before this
        sys.exit(f"{command[0]}: the process that started it has ended")
    try:
        os.execvp(command[0], command)  # noqa: S606 - without a shell, as meant
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    parent, signum, user, group = map(int, sys.argv[1:5])
    main(parent, signum, user, group, sys.argv[5:])

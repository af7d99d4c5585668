"""Become another program that ends when the process that started it ends.

Run as a script: `python -IS tether.py PARENT_PID SIGNAL USER PROGRAM ARGUMENT...`, where USER
may be empty. A separate script instead of `preexec_fn`, because the starting process has
threads, and Python code between fork and exec of such a process may deadlock.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main() -> None:
    """Drop to the user, tie the life of this process to its parent's, then exec the program."""
    parent, signal, user, *program = sys.argv[1:]
    if user:
        _become(user)
    # After the change of user: the kernel forgets the death signal when credentials change.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
        # The parent may have died before the call above; then nobody will ever send the signal.
        if os.getppid() != int(parent):
            sys.exit("the starting process is gone")
    try:
        os.execvp(program[0], program)  # noqa: S606 - starting a program is this script's purpose
    except OSError as error:
        sys.exit(f"cannot start {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()

"""Nodes and the clients of a load go before other programs, the bystander before all: what else runs on the machine is not what is measured.

Linux shares a processor among sessions first (sched(7), autogroup) and among the processes of one by their nice value, so both are set.
"""

import os

LOADS = -10  # of nodes and clients alike
BYSTANDER = -15


def raise_for_me(nice):
    """Also for processes that this one starts from now on. False: it may not."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    except PermissionError:
        return False
    raise_session(os.getpid(), nice)
    return True


def raise_session(pid, nice):
    """For the session of that process, where raise_for_me() may."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write(str(nice))
    except (FileNotFoundError, PermissionError):
        pass  # a kernel without, a process that has ended, or an ordinary user, of whom raise_for_me() has told

"""What /proc tells of a process and all it has started: CPU, memory, and how busy the machine is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Status:
    """One process: its parent, and its CPU seconds with those of children that have ended."""

    pid: int
    parent: int
    cpu: float


def family(root: int) -> list[Status]:
    """Return a process with everything below it."""
    statuses = [status for path in Path("/proc").glob("[0-9]*") if (status := _status(path))]
    found = [status for status in statuses if status.pid == root]
    for one in found:  # grows while it is walked: children after their parents
        found.extend(status for status in statuses if status.parent == one.pid)
    return found


def cpu_seconds(root: int) -> float:
    """Return the CPU that a process and all below it have used, user and system."""
    return sum(status.cpu for status in family(root))


def pss_megabytes(root: int) -> float:
    """Return the memory of a process and all below it, what is shared with others by its share."""
    return sum(_pss_kilobytes(status.pid) for status in family(root)) / 1024


def load_average() -> str:
    """Return how many processes have wanted to run in the last minute."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _status(path: Path) -> Status | None:
    try:
        # The name in brackets may hold spaces; what follows it does not.
        fields = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    user, system, ended_user, ended_system = (int(field) for field in fields[11:15])
    return Status(int(path.name), int(fields[1]), (user + system + ended_user + ended_system) / TICK)


def _pss_kilobytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

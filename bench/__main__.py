"""`python -m bench`: what a login, a teacher's list, a guide, a search and an idle server cost.

Two workers, on loopback only; each round is bounded, and everything is gone afterwards. The figures are
printed whatever they are: the exit code says only whether there are any.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench import processes, support_site
from bench.figures import Round, Target, middle, percentile
from bench.school import LOGIN_PAGE, PAGES, PRESSES, READERS, TEACHERS, School
from bench.server import BenchError, Server
from tests.postgres import Postgres, PostgresError

DATABASES = ("sqlite", "postgresql")
FEW = 500
CLIENTS = (1, 8, 32)
# The school on each database; the support site, which hardly asks any, on the first of them.
PARTS = ("school", "support")
# What teachers do, in words.
ACTS = {"look": "list of 28", "press": "press for 28", "poll": "poll"}
# At most so many milliseconds of the server's CPU for each.
ACT_BOUNDS = {"look": 8.0, "press": 20.0, "poll": 4.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int = 5
    logins: int = 60
    crowd: int = 160
    reads: int = 700
    lists: int = 150
    polls: int = 600
    people: int = 100_000
    with_password: int = FEW
    guides: int = 11
    guide_seconds: float = 0.4


QUICK = Plan(rounds=2, logins=30, crowd=60, reads=400, lists=60, polls=300, people=10_000, guides=5)


def main() -> int:
    """Measure and print; returns the exit code."""
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument("--quick", action="store_true", help="fewer rounds: about a minute, less sure")
    words.add_argument("--only", choices=DATABASES, help="one database instead of both")
    words.add_argument(
        "--part", choices=PARTS, help="one part instead of both; the support site is the shorter"
    )
    words.add_argument("--people", type=int, help=f"how many the large school has (else {Plan().people})")
    options = words.parse_args()
    plan = QUICK if options.quick else Plan()
    if options.people:
        plan = replace(plan, people=options.people)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scratch = Path(tempfile.gettempdir()) / "bench"
    scratch.mkdir(mode=0o755, exist_ok=True)
    tempfile.tempdir = str(scratch)
    print(f"At the start: {processes.load_average()}.", flush=True)
    databases = [database for database in DATABASES if options.only in (None, database)]
    tables: dict[str, Sequence[Target]] = {}
    try:
        if options.part in (None, "support"):
            tables["support site"] = measure_support_site(databases[0], plan)
        if options.part in (None, "school"):
            tables |= {database: school_targets(*measure(database, plan)) for database in databases}
    except (BenchError, PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, targets in tables.items():
        print(f"\n{name:<58}{'figure':>8}   {'target':>7}")
        for target in targets:
            print(target.line)
    return 0


@contextmanager
def place_for(database: str) -> Iterator[tuple[Path, Postgres | None]]:
    """Make a folder, and the database's server where it has one, for as long as something is measured."""
    with tempfile.TemporaryDirectory(prefix=f"{database}-") as folder, ExitStack() as stack:
        yield (
            Path(folder),
            stack.enter_context(Postgres(durable=True)) if database == "postgresql" else None,
        )


def measure_support_site(database: str, plan: Plan) -> Sequence[Target]:
    """Measure and print what readers cost; returns what is to be reached."""
    with place_for(database) as (folder, postgres):
        site = support_site.measure(folder, postgres, rounds=plan.guides, seconds=plan.guide_seconds)
    support_site.print_figures(site)
    return support_site.targets(site)


def measure(database: str, plan: Plan) -> tuple[School, School]:
    """Measure one database with few and with many people, round by round in turn."""
    with place_for(database) as (folder, postgres), ExitStack() as stack:
        small, large = Server(folder / "few", postgres), Server(folder / "many", postgres)
        stack.callback(large.stop)
        stack.callback(small.stop)
        small.fill(FEW, plan.with_password)
        large.fill(plan.people, plan.with_password, like=small)
        small.start()
        few = School(small, FEW, plan.with_password)
        large.start()
        many = School(large, plan.people, plan.with_password)
        schools = (few, many)
        for school in schools:
            school.warm_up()
        for _ in range(plan.rounds):
            for school in schools:
                school.measure_logins(1, plan.logins)
            for school in schools:
                for path in PAGES:
                    school.measure_reads(path, plan.reads)
        for clients in CLIENTS[1:]:
            for _ in range(min(plan.rounds, 3)):
                for school in schools:
                    school.measure_logins(clients, plan.crowd)
        measure_teachers(schools, plan)
        for school in schools:
            school.finish()
            print_school(database, school)
    return few, many


def measure_teachers(schools: tuple[School, ...], plan: Plan) -> None:
    """Measure what teachers do in Elevadgang; the polls after the presses, with something going on."""
    for school in schools:
        school.seat_teachers()
    for _ in range(plan.rounds):
        for school in schools:
            school.measure_acts("look", plan.lists)
        for school in schools:
            school.measure_acts("press", PRESSES)
    for school in schools:
        school.reopen_lists()
    for _ in range(plan.rounds):
        for school in schools:
            school.measure_acts("poll", plan.polls)
    for _ in range(min(plan.rounds, 3)):
        for school in schools:
            school.measure_acts("poll", 5 * TEACHERS, TEACHERS)


def print_school(database: str, school: School) -> None:
    """Print all figures of one school; CPU is in milliseconds for each login or page."""
    print(f"\n{database}, {school.people} people, two workers ({processes.load_average()})")
    print(
        "             logins       whole login, ms    password, ms       CPU for each, ms:"
        "  of it          rest/"
    )
    print(
        "at a time   a second      p50      p99      p50      p99    server    hash    rest    hash"
        "   database   load"
    )
    for clients, rounds in school.logins.items():
        whole = [seconds * 1000 for one in rounds for seconds in one.took.whole]
        password = [seconds * 1000 for one in rounds for seconds in one.took.password]
        print(
            f"{clients:>9}{middle(rounds, lambda r: r.rate):>11.1f}"
            f"{percentile(whole, 50):>9.1f}{percentile(whole, 99):>9.1f}"
            f"{percentile(password, 50):>9.1f}{percentile(password, 99):>9.1f}"
            f"{middle(rounds, lambda r: r.server_ms):>10.2f}{middle(rounds, lambda r: r.hash_ms):>8.2f}"
            f"{middle(rounds, lambda r: r.rest_ms):>8.2f}{middle(rounds, lambda r: r.rest_to_hash):>8.2f}"
            f"{middle(rounds, lambda r: r.database_ms):>11.2f}{middle(rounds, lambda r: r.load_ms):>7.2f}"
        )
    for path, rounds in school.reads.items():
        print(
            f"GET {path:<20}{middle(rounds, lambda r: r.server_ms):>6.2f} ms CPU,"
            f"{middle(rounds, lambda r: r.rate):>7.0f} a second"
        )
    for (act, clients), rounds in school.acts.items():
        took = [seconds * 1000 for one in rounds for seconds in one.took.whole]
        print(
            f"{ACTS[act]:<14}{clients:>4} at a time"
            f"{middle(rounds, lambda r: r.server_ms):>9.2f} ms CPU"
            f"{middle(rounds, lambda r: r.database_ms):>8.2f} database"
            f"{middle(rounds, lambda r: r.rate):>7.0f} a second"
            f"   p50{percentile(took, 50):>7.1f}   p95{percentile(took, 95):>7.1f} ms"
        )
    print(f"memory (PSS) of all server processes: {school.idle_megabytes:.0f} MB idle,", end=" ")
    print(f"{school.loaded_megabytes:.0f} MB after load")
    for fault in school.faults:
        print(f"NOT AS IT SHOULD BE: {fault}")
    sys.stdout.flush()


def school_targets(few: School, many: School) -> Sequence[Target]:
    """Return what is to be reached with a school, and what was."""
    alone, crowd = few.logins[1], [rounds for clients, rounds in few.logins.items() if clients > 1]
    polling = few.acts["poll", TEACHERS]
    waits = [seconds for one in polling for seconds in one.took.whole]
    return (
        Target(
            "CPU beside the hash / CPU of the hash, one at a time",
            middle(alone, lambda r: r.rest_to_hash),
            0.8,
        ),
        Target(
            "logins a second on this machine",
            max(middle(rounds, lambda r: r.rate) for rounds in crowd),
            70,
            is_at_most=False,
        ),
        Target("login page, ms CPU", middle(few.reads[LOGIN_PAGE], lambda r: r.server_ms), 1.0),
        Target("memory idle, two workers, MB", few.idle_megabytes, 200),
        Target(f"CPU a login, {many.people} / {few.people} people", ratio(alone, many.logins[1]), 1.1),
        *(
            Target(f"{ACTS[act]}, ms CPU", middle(few.acts[act, READERS], lambda r: r.server_ms), bound)
            for act, bound in ACT_BOUNDS.items()
        ),
        *(
            Target(
                f"CPU a {ACTS[act]}, {many.people} / {few.people} people",
                ratio(few.acts[act, READERS], many.acts[act, READERS]),
                1.1,
            )
            for act in ACT_BOUNDS
        ),
        # As many as their pages ask for, each every three seconds.
        Target(
            f"{TEACHERS} teachers at once: polls a second",
            middle(polling, lambda r: r.rate),
            round(TEACHERS / 3),
            is_at_most=False,
        ),
        Target(f"{TEACHERS} teachers at once: p95 of a poll, s", percentile(waits, 95), 3.0),
    )


def ratio(few: Sequence[Round], many: Sequence[Round]) -> float:
    """Return how much more CPU it takes with many people: the median over pairs of rounds."""
    return median(large.both_ms / small.both_ms for small, large in zip(few, many, strict=True))


if __name__ == "__main__":
    sys.exit(main())

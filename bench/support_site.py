"""The support site: its longest guide made, kept, and known to the browser, beside bare answers; search."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

from bench import processes
from bench.figures import Round, Target, middle
from bench.repeating import ALWAYS, Repetition
from bench.server import BenchError, Server
from tests.postgres import Postgres

CONNECTIONS = 16
WARM_UP_SECONDS = 0.5
GUIDES = "/da/vejledninger"
GUIDE = re.compile(rf'href="({GUIDES}/[a-z0-9-]+)"')
# A few words and many, an error in typing, English, compounds, and what nearly every page has.
SEARCHES = (
    "glemt kode",
    "min søn kan ikke komme ind på sin skoleside",
    "adgankode",
    "how do I find my username without mitid",
    "elevadministration kildesystem",
    "elev lærer forælder brugernavn adgangskode billeder mitid skole",
)
# Noted for the editors, in a transaction of its own.
NOT_TO_BE_FOUND = "xyzzy"
COMPARED = {"guide, kept": "bare, as many bytes", "guide, 304": "bare, no bytes"}
FEWER = 4
SHARE = 0.6
SEARCH_MS = 20.0


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide as it is sent: its address, its mark, and how many bytes it has, plain and compressed."""

    path: str
    mark: str
    plain: int
    sent: int


class SupportSite:
    """The site, the site that keeps nothing, and the bare answer; and the rounds so far."""

    def __init__(self, site: Server, forgetful: Server, bare: Server) -> None:
        """Take servers that have been started, and find the longest guide."""
        self.guide = longest_guide(site.port)
        guide, same = [self.guide.path], {"If-None-Match": self.guide.mark}
        searches = [f"/da/soeg?q={quote(text)}" for text in (*SEARCHES, NOT_TO_BE_FOUND)]
        # In turn; first what is compared, side by side.
        self._asked: dict[str, tuple[Server, list[str], int, dict[str, str]]] = {
            "bare, as many bytes": (bare, [f"/{self.guide.sent}"], 200, {}),
            "guide, kept": (site, guide, 200, {}),
            "bare, no bytes": (bare, ["/0"], 200, {}),
            "guide, 304": (site, guide, 304, same),
            "guide, first time": (forgetful, guide, 200, {}),
            "search": (site, searches[:-1], 200, {}),
            "search without a hit": (site, searches[-1:], 200, {}),
        }
        self.rounds: dict[str, list[Round]] = {what: [] for what in self._asked}
        self.faults: list[str] = []

    def measure(self, rounds: int, seconds: float) -> None:
        """Let everything warm up, then measure each thing in turn, so many times for so many seconds."""
        for what in self.rounds:
            self._round(what, WARM_UP_SECONDS)
        for number in range(rounds):
            # What is not compared with anything needs no more than a few rounds.
            asked = list(self.rounds) if number % FEWER == 0 else list(self.rounds)[: 2 * len(COMPARED)]
            # There and back: what else the machine does favours neither of two.
            for what in asked if number % 2 == 0 else reversed(asked):
                self.rounds[what].append(self._round(what, seconds))

    def _round(self, what: str, seconds: float) -> Round:
        server, paths, status, headers = self._asked[what]
        before = server.usage()
        took = server.meet(Repetition(server.port, CONNECTIONS, seconds, paths, status, headers))
        self.faults += [f"{what}: {fault}" for fault in took.faults]
        return Round(CONNECTIONS, len(took.whole), server.usage().since(before), took)

    def rate_share(self, what: str, bare: str) -> float:
        """Return the rate by the bare answer's: the median over pairs of rounds."""
        pairs = zip(self.rounds[what], self.rounds[bare], strict=True)
        return median(one.rate / other.rate for one, other in pairs)

    def cpu_share(self, what: str, bare: str) -> float:
        """Return the bare answer's CPU by another's: the share of the rate were CPU all that counts."""
        pairs = zip(self.rounds[what], self.rounds[bare], strict=True)
        return median(other.server_ms / one.server_ms for one, other in pairs)


def measure(folder: Path, postgres: Postgres | None, *, rounds: int, seconds: float) -> SupportSite:
    """Start the three servers, measure, and stop them."""
    with _running(folder, postgres) as servers:
        site = SupportSite(*servers)
        site.measure(rounds, seconds)
    return site


@contextmanager
def _running(folder: Path, postgres: Postgres | None) -> Iterator[tuple[Server, Server, Server]]:
    site, forgetful = Server(folder / "site", postgres), Server(folder / "forgetful", postgres)
    bare = Server(folder / "bare", None)
    servers = (site, forgetful, bare)
    try:
        site.fill(0, 0)
        forgetful.fill(0, 0, like=site)
        site.start()
        forgetful.start("bench.forgetful:app")
        bare.start("bench.hello:app")
        yield servers
    finally:
        for server in reversed(servers):
            server.stop()


def longest_guide(port: int) -> Guide:
    """Return the guide with the most bytes.

    Raises:
        BenchError: there are no guides.

    """
    paths = sorted(set(GUIDE.findall(_opened(port, GUIDES, "identity").body.decode())))
    if not paths:
        raise BenchError(f"there are no guides on {GUIDES}")
    length, path = max((len(_opened(port, one, "identity").body), one) for one in paths)
    sent = _opened(port, path, ALWAYS["Accept-Encoding"])
    return Guide(path, sent.mark, length, len(sent.body))


@dataclass(frozen=True, slots=True)
class _Opened:
    body: bytes
    mark: str


def _opened(port: int, path: str, encoding: str) -> _Opened:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        answer = connection.getresponse()
        if answer.status != 200:
            raise BenchError(f"{path}: {answer.status}")
        return _Opened(answer.read(), answer.headers["ETag"])
    finally:
        connection.close()


def print_figures(site: SupportSite) -> None:
    """Print all figures: what a second brings, and the CPU for each."""
    guide = site.guide
    print(f"\nsupport site, two workers, {CONNECTIONS} connections ({processes.load_average()})")
    print(f"{guide.path}: {guide.plain} bytes, {guide.sent} as sent; searches: {len(SEARCHES)} texts in turn")
    print("                        a second   CPU for each, ms: server   database   client   client's share")
    for what, rounds in site.rounds.items():
        share = middle(rounds, lambda r: r.load_ms / (r.load_ms + r.both_ms))
        print(
            f"{what:<22}{middle(rounds, lambda r: r.rate):>10.0f}"
            f"{middle(rounds, lambda r: r.server_ms):>27.3f}"
            f"{middle(rounds, lambda r: r.database_ms):>11.3f}"
            f"{middle(rounds, lambda r: r.load_ms):>9.3f}{share:>16.0%}"
        )
    for fault in site.faults:
        print(f"NOT AS IT SHOULD BE: {fault}")
    sys.stdout.flush()


def targets(site: SupportSite) -> Sequence[Target]:
    """Return what is to be reached, and what was."""
    return (
        *(
            Target(f"{what}: rate / {bare}", site.rate_share(what, bare), SHARE, is_at_most=False)
            for what, bare in COMPARED.items()
        ),
        *(
            Target(
                f"{what}: the same by the server's CPU", site.cpu_share(what, bare), SHARE, is_at_most=False
            )
            for what, bare in COMPARED.items()
        ),
        Target("search, ms CPU", middle(site.rounds["search"], lambda r: r.server_ms), SEARCH_MS),
    )

"""How addresses are written: of sites and databases in settings, of proxies, and of clients in requests."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
SITE = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{LABEL}(?:\.{LABEL})*|\[[0-9a-f:]+\])(:(?P<port>[1-9][0-9]{{0,4}}))?"
)
ISSUER = re.compile(SITE.pattern + r"(/[A-Za-z0-9._~/-]*)?")
# A name that ends like this is an IPv4 address to a browser, however odd.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# As SQLAlchemy reads it; an @ elsewhere would make the end of a password part of a name that errors show.
POSTGRES = re.compile(
    r"(?:[^:/@]*(?::[^@]*)?@)?(?:\[[^\]/?@]+\]|[^:/?@\[]*)(?::(?P<port>[^/?@]*))?"
    r"(?:/(?P<name>[^?@]*))?(?:\?[^@]*)?",
)
LAST_PORT = 65535
# A trusted network that is wider is no place where proxies stand: whoever is in it writes an own address.
WIDEST_PROXIES = 7
# Some proxies add the port that the client spoke from.
WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def parts(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the parts of an address (`SITE`, `ISSUER`), or None where no browser would write it so."""
    found = pattern.fullmatch(text)
    if found is None or not _is_written_by_browsers(found["host"]) or int(found["port"] or 0) > LAST_PORT:
        return None
    return found


def _is_written_by_browsers(host: str) -> bool:
    """Whether a host stands as browsers send it: they shorten IPv6, and make four numbers of IPv4."""
    try:
        if host.startswith("["):
            ip = ipaddress.IPv6Address(host[1:-1])
            return ip.ipv4_mapped is None and host == f"[{ip}]"
        if NUMBER.fullmatch(host.rpartition(".")[2]):
            return host == str(ipaddress.IPv4Address(host))
    except ValueError:
        return False
    return True


def wrong_database(url: str) -> list[str]:
    """Return what is wrong with a database's address: of no kind we know, without a name, or ambiguous."""
    kind, _, rest = url.partition("://")
    if kind == "sqlite" and rest.startswith("/"):
        # Without a file each connection would have a database of its own; an option can ask for that too.
        name, mark, _ = rest[1:].partition("?")
        is_file = not mark and unquote(name) not in ("", ":memory:")
        return [] if is_file else ["DATABASE_URL: name the file, and no more: sqlite:////path/to/file"]
    if kind != "postgresql+psycopg2":
        return ["DATABASE_URL: expected sqlite:///… or postgresql://…"]
    if rest.count("@") > 1:
        return ["DATABASE_URL: one @ stands before the host; write every other as %40"]
    found = POSTGRES.fullmatch(rest)
    if found is None:
        return ["DATABASE_URL: expected postgresql://user:password@host:5432/database"]
    port = "5432" if found["port"] is None else found["port"]
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) <= LAST_PORT:
        return [f"DATABASE_URL: expected a port from 1 to {LAST_PORT} after the host's colon"]
    return [] if found["name"] else ["DATABASE_URL: name the database: postgresql://user@host/database"]


def proxies(text: str, wrong: list[str], *, is_strict: bool) -> tuple[Network, ...]:
    """Return the networks whose word on the client's address is believed (S-08), strictly none too wide."""
    found = []
    for word in text.replace(",", " ").split():
        try:
            network = ipaddress.ip_network(word)
        except ValueError:
            wrong.append(f"TRUSTED_PROXIES: {word!r} is no address or network")
            continue
        if is_mapped(network):
            wrong.append(f"TRUSTED_PROXIES: write {word} as the IPv4 address or network that it is")
        if is_strict and network.prefixlen < WIDEST_PROXIES:
            wrong.append(
                f"TRUSTED_PROXIES: {word} holds half the world, and whoever is trusted writes an own address:"
                " name the proxy's address (127.0.0.1 on the same machine)"
            )
        found.append(network)
    return tuple(found)


def is_mapped(network: Network) -> bool:
    """Whether a network of IPv4 is written as IPv6, in which no client is ever found."""
    return network.version == 6 and network.network_address.ipv4_mapped is not None


def plain(address: str) -> str:
    """Return a client's address without its port, and one of IPv4 in its own form; all else as it is."""
    if ":" not in address:
        return address
    if found := WITH_PORT.fullmatch(address):
        address = found[1] or found[2]
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return str(mapped) if mapped else address

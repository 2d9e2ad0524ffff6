"""One POST to where the configuration says, and to nowhere else.

No redirect is followed and no proxy asked. A name is resolved once; the connection goes to an address that was checked,
and the other end of the connected socket is checked again. The certificate is held against the name of the URL.
"""

from __future__ import annotations

import email.utils
import http.client
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from piiscan.alert.sinks import NotNow, Refused, wrong
from piiscan.config import SinkConfig

SECONDS = 10.0
"""For all of it, the resolver's time aside."""
ANSWER = 4_096
"""Bytes of an answer that are read."""
LONGEST = 6 * 3_600.0
"""Seconds that a receiver may ask us to wait."""
PRIVATE = "PIISCAN_ALERT_PRIVATE"
"""`1`: this process may send to private addresses."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        *("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"),  # AWS: EC2, ECS, EKS
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd20:ce::254"),  # Alibaba, Azure, Oracle, Google
    )
)
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to; nothing of it is told by its repr, since paths of webhooks are secrets."""

    host: str = field(repr=False)
    port: int = field(repr=False)
    path: str = field(repr=False)
    tls: bool
    private: bool


def read_url(url: str, config: SinkConfig) -> Target:
    """The parts of a URL that may be sent to. Raises: ConfigError, which does not quote the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("ascii")
    except ValueError:
        wrong(config, "not a URL")
    loopback = _is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        wrong(config, "an https URL is wanted (http only to this machine)")
    if not host or any(not "!" <= c <= "~" for c in url):
        wrong(config, "not a URL")
    if parts.username is not None or parts.password is not None:
        wrong(config, "no user or password can stand in the URL; secret is for that")
    private = config.private or os.environ.get(PRIVATE) == "1"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    tls = parts.scheme == "https"
    target = Target(host, port or (443 if tls else 80), path, tls, private)
    with suppress(ValueError):
        if not _may(ipaddress.ip_address(host), target):
            wrong(config, f"a private address: set private = true, or {PRIVATE}=1, if it is meant")
    return target


def public(address: _Address) -> bool:
    """Whether an address is one of the open internet, also when it is wrapped into one of version 6.

    Source: IANA's special-purpose address registries, RFC 6890; RFC 4291 2.5.5, RFC 6052, RFC 3056 (wrapped ones).

    >>> [public(ipaddress.ip_address(text)) for text in ("1.1.1.1", "100.64.0.1", "::ffff:10.0.0.1", "fe80::1")]
    [True, False, False, False]
    """
    address = _unwrapped(address)
    odd = address.is_multicast or address.is_reserved or address in _METADATA
    return address.is_global and not odd and not getattr(address, "is_site_local", False)


def _never(address: _Address) -> bool:
    """Where no receiver can be, whatever is allowed: the metadata of clouds, groups, no address at all."""
    address = _unwrapped(address)
    return address in _METADATA or address.is_multicast or address.is_unspecified or address in _THIS_NETWORK


def _unwrapped(address: _Address) -> _Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or ipaddress.IPv6Address(int(address))


def _may(address: _Address, target: Target) -> bool:
    if not target.tls:
        return _unwrapped(address).is_loopback
    return public(address) or (target.private and not _never(address))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def deadline(seconds: float, current: Callable[[], socket.socket | None]) -> Iterator[None]:
    """End the connection that is `current` after so many seconds, however slowly the other side goes on talking."""
    late = threading.Event()

    def end() -> None:
        late.set()
        sock = current()
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS has its own `shutdown`, not meant for two threads

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if late.is_set():
            raise NotNow("it took too long") from None
        raise
    finally:
        timer.cancel()


_PASSING = frozenset({401, 403, 407, 408, 425, 429})
"""Answers that pass: a credential that is mended within the day loses no alert."""


def post(target: Target, body: bytes, headers: Mapping[str, str]) -> None:
    """Deliver. Raises: Refused for most answers of 3xx or 4xx and for a forbidden address, NotNow, other OSErrors."""
    until = time.monotonic() + SECONDS
    held: list[socket.socket] = []
    try:
        with deadline(SECONDS, lambda: held[-1] if held else None):
            _connect(target, until, held)
            status, wait = _talk(target, held[-1], body, headers)
    except http.client.HTTPException as err:
        raise NotNow(f"no HTTP ({type(err).__name__})") from None
    finally:
        for sock in held:
            sock.close()
    if 200 <= status < 300:
        return
    if 300 <= status < 500 and status not in _PASSING:
        raise Refused(f"HTTP {status}")
    raise NotNow(f"HTTP {status}", wait)


def _connect(target: Target, until: float, held: list[socket.socket]) -> None:
    """Put a connected socket into `held`; it lies there before it is ready, so that a deadline can end it."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise Refused("no name of a host") from None
    allowed = [item for item in found if _may(ipaddress.ip_address(item[4][0]), target)]
    if not allowed:
        raise Refused("the name leads to a private address")
    problem: OSError = NotNow("no address")
    for family, kind, protocol, _, address in allowed:
        sock = socket.socket(family, kind, protocol)
        held.append(sock)
        try:
            sock.settimeout(max(0.1, until - time.monotonic()))
            sock.connect(address)
            if not _may(ipaddress.ip_address(sock.getpeername()[0]), target):
                raise Refused("the connection led to a private address")
            if target.tls:
                context = ssl.create_default_context()
                wrapped = context.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
                held.append(wrapped)
                wrapped.do_handshake()
            return
        except Refused:
            raise
        except OSError as err:
            problem = err
    raise problem


def _talk(target: Target, sock: socket.socket, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
    """The status, and how long to wait."""
    kind = http.client.HTTPSConnection if target.tls else http.client.HTTPConnection
    connection = kind(target.host, target.port, timeout=SECONDS)
    connection.sock = sock
    fixed = {"User-Agent": "piiscan", "Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", target.path, body, fixed | dict(headers))
    answer = connection.getresponse()
    answer.read(ANSWER)
    return answer.status, retry_after(answer.getheader("Retry-After"))


def retry_after(text: str | None) -> float | None:
    """Seconds to wait, of the header of that name: a number or a date. Source: RFC 9110, section 10.2.3.

    >>> retry_after("120"), retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), retry_after("soon"), retry_after("9" * 99)
    (120.0, 0.0, None, 21600.0)
    """
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return LONGEST if len(text) > 9 else min(float(text), LONGEST)
    try:
        when = email.utils.parsedate_to_datetime(text)
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST)

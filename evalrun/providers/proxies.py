"""Which proxy a request goes through, by the variables that curl and requests go by too.  (pure)

``https_proxy``, ``http_proxy``, ``all_proxy`` and ``no_proxy``, each also in capitals; small letters win. As with curl
and requests this machine's own addresses go to the proxy like all others, unless ``no_proxy`` names them: whoever wants
to look at what is sent to a local server can. ``.netrc`` is never read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from evalrun.errors import UsageError
from evalrun.keys import Secret

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy without its credentials, and these apart. *variable* is where it was named."""

    url: str
    variable: str
    user: Secret | None = field(default=None, repr=False)
    password: Secret | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, for people."""
        return self.url.partition("://")[2]

    def secrets(self) -> Iterator[Secret]:
        """What must not be written anywhere: the password, also with the user before it; a user alone is a token."""
        if self.user and self.password:
            yield self.password
            yield Secret(f"{self.user.reveal()}:{self.password.reveal()}")
        elif self.user:
            yield self.user


def proxy_for(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for *url*, an http or https address; None: the way is direct.

    Raises UsageError, in words that repeat nothing of the value, where the variable holds no proxy that is spoken.
    """
    parts = urlsplit(url)
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        variable, value = _said(environ, name)
        if value:
            return None if _spared(parts, _said(environ, "no_proxy")[1]) else _proxy(value, variable)
    return None


def proxy_secrets(environ: Mapping[str, str]) -> list[Secret]:
    """Every secret in the proxies that the environment names, used or not, as far as they can be read."""
    found: list[Secret] = []
    for name in ("https_proxy", "http_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            value = environ.get(variable, "").strip()
            if "@" in value:
                found += _credentials(value)
    return found


def _said(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """A variable in small letters, or else in capitals: how it is spelled there, and its value."""
    for variable in (name, name.upper()):
        if value := environ.get(variable, "").strip():
            return variable, value
    return name, ""


def _proxy(value: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"{variable}: the proxy's host or port cannot be read") from None
    if parts.scheme not in _PORTS:
        scheme = parts.scheme if parts.scheme.isalnum() else "this"
        raise UsageError(f"{variable}: proxies are spoken to by http:// or https://, not by {scheme}")
    if not _HOST.fullmatch(host):
        raise UsageError(f"{variable}: this is not the address of a proxy (http://host:port)")
    shown = f"[{host}]" if ":" in host else host
    user, password = (Secret(unquote(text)) if text else None for text in (parts.username, parts.password))
    return Proxy(
        url=f"{parts.scheme}://{shown}:{port or _PORTS[parts.scheme]}",
        variable=variable,
        user=user,
        password=password,
    )


def _credentials(value: str) -> list[Secret]:
    """The credentials as they are and as the URL spells them, even where the rest of it is no URL."""
    userinfo = value.partition("://")[2] or value
    userinfo = userinfo.rpartition("@")[0]
    user, _, password = userinfo.partition(":")
    spelled = [userinfo, password or user]
    return [Secret(text) for text in dict.fromkeys([*spelled, *map(unquote, spelled)]) if text]


def _spared(target: SplitResult, no_proxy: str) -> bool:
    """Whether a host is named in ``no_proxy``: itself or a domain above it, with its port if one is said, ``*``, an
    address or a network such as 10.0.0.0/8.
    """
    host = (target.hostname or "").lower().removesuffix(".")
    port = target.port or _PORTS.get(target.scheme)
    return any(_names(entry.strip().lower(), host, port) for entry in re.split(r"[,\s]+", no_proxy) if entry.strip())


def _names(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    named, said_port = entry, ""
    if entry.startswith("["):
        named, _, rest = entry[1:].partition("]")
        said_port = rest.removeprefix(":")
    elif entry.count(":") == 1:
        named, _, said_port = entry.partition(":")
    if said_port and said_port != str(port):
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(named, strict=False)
    except ValueError:
        domain = named.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))

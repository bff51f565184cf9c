"""API keys: where each may go, how it is read, and what must never be mistaken for a harmless text.

A key goes to its own origin only. Everything here is plain code over values, except `read_key`, which is given the
environment as an argument.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from evalrun.errors import UsageError
from evalrun.records.suite import Provider

ENTRA = "entra"
"""What stands for the variable of a key in `allowed` where a provider's key is a token of Microsoft Entra."""

HOME_ORIGINS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "OPENAI_API_KEY": frozenset({"https://api.openai.com"}),
        "AZURE_OPENAI_API_KEY": frozenset[str](),
        "AZURE_INFERENCE_CREDENTIAL": frozenset[str](),
        "ANTHROPIC_API_KEY": frozenset({"https://api.anthropic.com"}),
        "GEMINI_API_KEY": frozenset({"https://generativelanguage.googleapis.com"}),
        "GROQ_API_KEY": frozenset({"https://api.groq.com"}),
        "OPENROUTER_API_KEY": frozenset({"https://openrouter.ai"}),
        "MISTRAL_API_KEY": frozenset({"https://api.mistral.ai"}),
        "CEREBRAS_API_KEY": frozenset({"https://api.cerebras.ai"}),
        "DEEPSEEK_API_KEY": frozenset({"https://api.deepseek.com"}),
        "GITHUB_TOKEN": frozenset({"https://models.github.ai"}),
    }
)
"""Variable -> the origins that its key may go to without being asked about: the catalog's pairs, as a test proves.

A key without any is one for an endpoint of the user's own, which only the user can name.
"""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_FORBIDDEN_IN_URL = re.compile(r"[\x00-\x20\x7f-\xa0\\]")

_KEY_HEADERS = frozenset({"authorization", "cookie", "cookie2", "set-cookie"})
_KEY_HEADER_ENDINGS = ("-authorization", "api-key", "apikey", "-subscription-key", "-token", "-secret", "-password")
_FRAMING_HEADERS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "expect", "accept-encoding"},
)

_KEY_SHAPES = re.compile(
    r"""
      \b(?: sk | pk | rk )-[A-Za-z0-9_-]{16,}        # OpenAI, Anthropic, DeepSeek, OpenRouter and many others
    | \b(?: ghp | gho | ghu | ghs | ghr )_[A-Za-z0-9]{16,}
    | \bgithub_pat_[A-Za-z0-9_]{16,}
    | \b(?: gsk | hf | xai | nvapi | pplx | r8 )[_-][A-Za-z0-9_-]{16,}
    | \b(?: AKIA | ASIA )[A-Z0-9]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,}
    | \b(?i: bearer | basic )\s+[A-Za-z0-9._~+/=-]{12,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.        # a JSON web token
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    """,
    re.VERBOSE,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9_+/=-]{32,}")


class Secret:
    """A text that shows itself only to `reveal`: `repr`, `str` and formats say ``***``, and it cannot be pickled."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself: for the transport's headers and the redactor only."""
        return self.__text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "***"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")


def origin_of(url: str) -> str:
    """Scheme, host and port of an http(s) URL in one spelling: lower case, no default port, no trailing dot.

    Two URLs lead to the same server if and only if their origins are the same text. Raises ValueError, in words that
    repeat no user name or password, for what has no clear origin: another scheme, credentials, a fragment or a query,
    spaces or backslashes, hosts that are not ASCII, IP addresses but as four decimal numbers or ``[IPv6]``.
    """
    if not url:
        raise ValueError("the base_url is empty")
    if _FORBIDDEN_IN_URL.search(url):
        raise ValueError("the URL contains a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise ValueError("the URL's host or port cannot be read") from error
    _refuse_extras(parts)
    if "[" in parts.netloc and ":" not in host:
        raise ValueError("the URL's host in brackets is not an IPv6 address")
    host = _plain_host(host)
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the URL's port is not a port")
    at_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{at_port}"


def _refuse_extras(parts: SplitResult) -> None:
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("the URL must begin with https:// (or http://)")
    if "@" in parts.netloc:
        raise ValueError("the URL holds a user name or password; name a variable in api_key_env instead")
    if parts.fragment or parts.query:
        raise ValueError("the URL has a query or a fragment (? or #)")


def _plain_host(host: str) -> str:
    """The host in one spelling; IPv6 in brackets, and an IPv4 address inside IPv6 as the IPv4 address that it is."""
    if not host:
        raise ValueError("the URL has no host")
    if not host.isascii():
        raise ValueError("the URL's host is not ASCII; write it in its xn-- form")
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError as error:
            raise ValueError("the URL's IPv6 address is not one") from error
        if address.scope_id:
            raise ValueError("the URL's IPv6 address names a network card")
        return str(address.ipv4_mapped) if address.ipv4_mapped else f"[{address.compressed}]"
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise ValueError("the URL's host is not a host name")
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise ValueError("write the URL's IP address as four decimal numbers") from error
    return host


def is_loopback(url: str) -> bool:
    """Whether the URL leads to this machine: 127.0.0.0/8, ::1 or ``localhost``. One without a clear origin does not."""
    try:
        host = urlsplit(origin_of(url)).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(provider: Provider, allowed: Collection[tuple[str, str]]) -> str | None:
    """Why the provider's key may not go to its base_url, as a sentence that ends with the cure; None: it may.

    It may go to the catalog's own origins of that variable, and where *allowed* says so: pairs of (variable, origin or
    URL) that come from the command line or the user's own file, never from a suite. A variable that the catalog does
    not know may also go to this machine; one that it knows may not, for a service here is not its vendor either.
    Except on this machine a key goes over https. A provider without a key may be anywhere that has a clear origin.
    """
    variable = provider.api_key_env or (ENTRA if provider.auth == ENTRA else None)
    if not provider.base_url and not variable:
        return None
    try:
        origin = origin_of(provider.base_url)
    except ValueError as error:
        return f"provider {provider.id}: {error}"
    home_origins = HOME_ORIGINS.get(variable or "", frozenset())
    known = variable in HOME_ORIGINS or variable == ENTRA
    if not variable or origin in home_origins or (is_loopback(origin) and not known):
        return None
    if not (origin.startswith("https://") or is_loopback(origin)):
        return f"provider {provider.id}: {_key(variable)} goes over https only, and {origin} is not https"
    if any(variable == name and _same_origin(place, origin) for name, place in allowed):
        return None
    home = ", ".join(sorted(home_origins))
    whose = f"belongs to {home} and " if home else ""
    return (
        f"provider {provider.id}: {_key(variable)} {whose}would go to {origin}, which a suite alone cannot allow; "
        f"if that is what you want, add --allow-origin {variable}={origin}"
    )


def _key(variable: str) -> str:
    return "your Entra token" if variable == ENTRA else f"the key in {variable}"


def _same_origin(place: str, origin: str) -> bool:
    try:
        return origin_of(place) == origin
    except ValueError:
        return False


def read_key(provider: Provider, environ: Mapping[str, str]) -> Secret | None:
    """The provider's key out of *environ*; None where it names no variable.

    Raises UsageError when the variable is unset or empty, or holds what cannot be sent in a header.
    """
    variable = provider.api_key_env
    if variable is None:
        return None
    text = environ.get(variable, "").strip()
    if not text:
        how = "is not set" if variable not in environ else "is empty"
        cure = f"set it (export {variable}=…) or use --env-file FILE"
        raise UsageError(f"provider {provider.id}: the variable {variable} {how}; {cure}")
    if not (text.isascii() and text.isprintable()):
        raise UsageError(f"provider {provider.id}: the variable {variable} holds characters that no key has")
    return Secret(text)


def forbidden_header(name: str) -> bool:
    """Whether a suite may not set this header: it carries a key (made from api_key_env only) or frames the request."""
    plain = name.strip().lower().replace("_", "-")
    return plain in _KEY_HEADERS | _FRAMING_HEADERS or plain.endswith(_KEY_HEADER_ENDINGS)


def looks_like_key(text: str) -> bool:
    """Whether a text has the shape of an API key: a known prefix, or one long random-looking word."""
    if _KEY_SHAPES.search(text):
        return True
    word = text.strip()
    if not _LONG_TOKEN.fullmatch(word) or _UUID.fullmatch(word):
        return False
    if not any(c.isdigit() for c in word) or not any(c.isalpha() for c in word):
        return False
    if re.fullmatch(r"[0-9a-fA-F]+", word):
        return _bits_per_character(word) >= 3.0
    mixed = any(c.isupper() for c in word) and any(c.islower() for c in word)
    return mixed and _bits_per_character(word) >= 3.8


def _bits_per_character(word: str) -> float:
    """Shannon's entropy of the word's own letters, in bits."""
    counts = Counter(word).values()
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts)

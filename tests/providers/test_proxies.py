from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.errors import UsageError
from evalrun.providers.proxies import proxy_for, proxy_secrets

HTTPS, HTTP = "https://api.example.com/v1", "http://127.0.0.1:8000/v1"

FOUND = {
    # address, environment, the proxy's own address
    "https": (HTTPS, {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
    "small letters": (HTTPS, {"https_proxy": "http://p:3128"}, "http://p:3128"),
    "small letters first": (HTTPS, {"https_proxy": "http://small:1", "HTTPS_PROXY": "http://big:1"}, "http://small:1"),
    "an empty one is none": (HTTPS, {"https_proxy": " ", "HTTPS_PROXY": "http://big:1"}, "http://big:1"),
    "http": (HTTP, {"HTTP_PROXY": "http://p:3128"}, "http://p:3128"),
    "not the other's": (HTTPS, {"HTTP_PROXY": "http://p:3128"}, None),
    "nor the other way": (HTTP, {"HTTPS_PROXY": "http://p:3128"}, None),
    "all": (HTTPS, {"ALL_PROXY": "http://p:3128"}, "http://p:3128"),
    "its own before all": (HTTPS, {"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://p:1"}, "http://p:1"),
    "none": (HTTPS, {}, None),
    "without a scheme": (HTTPS, {"HTTPS_PROXY": "p.example:3128"}, "http://p.example:3128"),
    "without a port": (HTTPS, {"HTTPS_PROXY": "http://p.example"}, "http://p.example:80"),
    "over TLS": (HTTPS, {"HTTPS_PROXY": "https://p.example"}, "https://p.example:443"),
    "IPv6": (HTTPS, {"HTTPS_PROXY": "http://[::1]:3128"}, "http://[::1]:3128"),
    "without its credentials": (HTTPS, {"HTTPS_PROXY": "http://me:pass%40word@p:3128/x"}, "http://p:3128"),
}


@pytest.mark.parametrize(("url", "environ", "found"), FOUND.values(), ids=FOUND)
def test_the_proxy_for_an_address(url: str, environ: dict[str, str], found: str | None) -> None:
    """The variable for the address's scheme names its proxy, before the one for all."""
    proxy = proxy_for(url, environ)

    assert (proxy.url if proxy else None) == found


SPARED = {
    # no_proxy, address, whether it is spared
    "all": ("*", HTTPS, True),
    "itself": ("api.example.com", HTTPS, True),
    "its domain": ("example.com", HTTPS, True),
    "with a dot": (".example.com", HTTPS, True),
    "with a star": ("*.example.com", HTTPS, True),
    "capitals": ("API.Example.COM", HTTPS, True),
    "a dot at the end": ("example.com.", HTTPS, True),
    "another": ("example.org", HTTPS, False),
    "an ending that is no domain": ("ample.com", HTTPS, False),
    "below it": ("v1.api.example.com", HTTPS, False),
    "in a list": ("a.b, localhost,example.com ,c", HTTPS, True),
    "with spaces": ("a.b example.com", HTTPS, True),
    "its port": ("example.com:443", HTTPS, True),
    "another port": ("example.com:8443", HTTPS, False),
    "an address": ("127.0.0.1", HTTP, True),
    "an address and its port": ("127.0.0.1:8000", HTTP, True),
    "an address and another port": ("127.0.0.1:8001", HTTP, False),
    "a network": ("127.0.0.0/8", HTTP, True),
    "another network": ("10.0.0.0/8", HTTP, False),
    "a name is no address": ("localhost", HTTP, False),
    "IPv6": ("::1", "http://[::1]:8000", True),
    "IPv6 in brackets": ("[::1]:8000", "http://[::1]:8000", True),
    "an IPv6 network": ("fd00::/8", "http://[fd00::5]", True),
    "nothing": ("", HTTPS, False),
    "commas": (",,", HTTPS, False),
    "this machine is not spared by itself": ("example.com", HTTP, False),
}


@pytest.mark.parametrize(("no_proxy", "url", "spared"), SPARED.values(), ids=SPARED)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_who_is_spared(no_proxy: str, url: str, spared: bool, variable: str) -> None:
    """NO_PROXY names hosts, domains, ports, addresses and networks to go to directly."""
    proxy = proxy_for(url, {"ALL_PROXY": "http://p:3128", variable: no_proxy})

    assert (proxy is None) is spared


@pytest.mark.parametrize(
    "value",
    ["socks5://me:canary-word@p:1080", "http://me:canary-word@p:x", "http://", "ftp://canary-word", "http://a b"],
)
def test_what_is_no_proxy_is_said(value: str) -> None:
    """A variable that holds no proxy we can speak to is a message that names it, and repeats nothing of it."""
    with pytest.raises(UsageError, match=r"^HTTPS_PROXY: ") as raised:
        proxy_for(HTTPS, {"HTTPS_PROXY": value})

    assert "canary" not in str(raised.value)


def test_an_unspoken_proxy_harms_nobody_else() -> None:
    """A proxy that is spared, or for others, may be of any kind."""
    assert proxy_for(HTTPS, {"ALL_PROXY": "socks5://p:1", "NO_PROXY": "example.com"}) is None
    assert proxy_for(HTTP, {"HTTPS_PROXY": "socks5://p:1"}) is None


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("http://me:canary%2Fword@p:1", {"me:canary%2Fword", "canary%2Fword", "me:canary/word", "canary/word"}),
        ("http://token-123456@p:1", {"token-123456"}),
        ("me:canary@p:1", {"me:canary", "canary"}),
        ("socks5://me:canary@p:1", {"me:canary", "canary"}),
        ("http://p:1", set()),
        ("", set()),
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
def test_credentials_are_secrets(value: str, secrets: set[str], variable: str) -> None:
    """Passwords in proxies' addresses are known as secrets, as they are and as the address spells them."""
    assert {secret.reveal() for secret in proxy_secrets({variable: value})} == secrets


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_may_be_a_variable(value: str, no_proxy: str) -> None:
    """Whatever the variables hold, there is a proxy, or none, or a message."""
    try:
        proxy = proxy_for(HTTPS, {"HTTPS_PROXY": value, "NO_PROXY": no_proxy})
    except UsageError:
        return

    assert proxy is None or proxy.url.startswith(("http://", "https://"))

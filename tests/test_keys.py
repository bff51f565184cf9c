from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.catalog import PROVIDERS
from evalrun.errors import UsageError
from evalrun.keys import (
    HOME_ORIGINS,
    Secret,
    forbidden_header,
    is_loopback,
    looks_like_key,
    origin_of,
    read_key,
    refusal,
)
from evalrun.records.suite import Provider

OPENAI = "https://api.openai.com/v1"
EVIL = "https://evil.example/v1"


def provider(base_url: str, api_key_env: str | None = None, id: str = "lab") -> Provider:  # noqa: A002 - field
    """A provider of the suite."""
    return Provider(id=id, dialect="openai-chat", base_url=base_url, api_key_env=api_key_env)


def test_home_origins_are_the_catalogs() -> None:
    """The variables that keys.py knows, and where they may go, are exactly those of the catalog."""
    catalog = {entry.api_key_env: frozenset(entry.origins) for entry in PROVIDERS.values() if entry.api_key_env}

    assert dict(HOME_ORIGINS) == catalog


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com"),
        ("HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com"),
        ("https://api.openai.com./v1", "https://api.openai.com"),
        ("https://api.openai.com:8443", "https://api.openai.com:8443"),
        ("http://localhost:80/v1", "http://localhost"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]/v1", "http://[::1]"),
        ("http://[::ffff:127.0.0.1]:9/v1", "http://127.0.0.1:9"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://my_host.internal/x", "https://my_host.internal"),
    ],
)
def test_one_spelling(url: str, origin: str) -> None:
    """However a URL is written, its origin has one spelling."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "localhost:8000",
        "//api.openai.com",
        "ftp://api.openai.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https://api.openai.com@evil.example/v1",
        "https://user:canary@api.openai.com/v1",
        "https://@api.openai.com/v1",
        "https://api.openai.com/v1#@evil.example",
        "https://api.openai.com/v1?x=1",
        "https://evil.example\\@api.openai.com/",
        "https://api.openai.com\t.evil.example",
        "https://api.openai.com\n/v1",
        " https://api.openai.com",
        "https://api.openai%2ecom/v1",
        "https://аpi.openai.com/v1",  # a Cyrillic first letter
        "https://ａpi.openai.com/v1",  # a full-width first letter
        "https://api。openai.com/v1",  # an ideographic full stop
        "https://api..openai.com",
        "https://api.openai.com..",
        "https://.api.openai.com",
        "https://-x.example",
        "https://x-.example",
        "https://" + "a" * 64 + ".example",
        "https://api.openai.com:0",
        "https://api.openai.com:99999",
        "https://api.openai.com:x",
        "https://api.openai.com:",
        "http://2130706433/v1",
        "http://0x7f000001/v1",
        "http://0x7f.0.0.1/v1",
        "http://017700000001/v1",
        "http://0177.0.0.1/v1",
        "http://127.1/v1",
        "http://127.0.0.256/v1",
        "http://1.2.3.4.5/v1",
        "http://[::1/v1",
        "http://[fe80::1%25eth0]/v1",
        "http://[v1.x]/v1",
    ],
)
def test_no_clear_origin(url: str) -> None:
    """What could mean two places, or hides one, has no origin, and the words repeat nothing secret."""
    with pytest.raises(ValueError) as caught:
        origin_of(url)

    assert "canary" not in str(caught.value)
    assert not is_loopback(url)


@given(st.text(max_size=40))
def test_any_text_has_an_origin_or_none(text: str) -> None:
    """Whatever stands after the scheme, the answer is an origin that is its own origin, or a ValueError."""
    try:
        origin = origin_of(f"https://{text}")
    except ValueError:
        return

    assert origin_of(origin) == origin
    assert origin.isascii()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://localhost:11434", True),
        ("http://LOCALHOST./", True),
        ("http://[::1]:8000", True),
        ("http://[::ffff:127.0.0.1]/", True),
        ("http://0.0.0.0:8000", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://192.168.1.5:8000", False),
        ("http://169.254.169.254", False),
        ("http://[::ffff:169.254.169.254]", False),
    ],
)
def test_loopback(url: str, local: bool) -> None:
    """Only addresses of this machine are loopback, never a name that looks like one."""
    assert is_loopback(url) is local


@pytest.mark.parametrize(
    ("base_url", "variable", "allowed"),
    [
        (OPENAI, "OPENAI_API_KEY", ()),
        ("https://API.OPENAI.COM:443/v1", "OPENAI_API_KEY", ()),
        ("http://127.0.0.1:8000/v1", "LAB_KEY", ()),
        ("http://localhost:8000/v1", "LAB_KEY", ()),
        ("http://192.168.1.5:8000/v1", None, ()),
        ("", None, ()),
        (EVIL, "LAB_KEY", [("LAB_KEY", "https://evil.example")]),
        (EVIL, "LAB_KEY", [("LAB_KEY", "https://EVIL.example:443/")]),
        (EVIL, "OPENAI_API_KEY", [("OPENAI_API_KEY", "https://evil.example")]),
        ("http://127.0.0.1:8000/v1", "OPENAI_API_KEY", [("OPENAI_API_KEY", "http://127.0.0.1:8000")]),
    ],
)
def test_may_go(base_url: str, variable: str | None, allowed: list[tuple[str, str]]) -> None:
    """A key goes to its own origin, to this machine and where the user allowed it; no key goes anywhere."""
    assert refusal(provider(base_url, variable), allowed) is None


@pytest.mark.parametrize(
    ("base_url", "variable", "allowed", "said"),
    [
        (EVIL, "OPENAI_API_KEY", (), "--allow-origin OPENAI_API_KEY=https://evil.example"),
        (EVIL, "LAB_KEY", (), "--allow-origin LAB_KEY=https://evil.example"),
        ("http://127.0.0.1:8000/v1", "OPENAI_API_KEY", (), "--allow-origin OPENAI_API_KEY=http://127.0.0.1:8000"),
        (OPENAI, "LAB_KEY", (), "--allow-origin LAB_KEY=https://api.openai.com"),
        (OPENAI, "GITHUB_TOKEN", (), "GITHUB_TOKEN"),
        ("https://api.openai.com:8443/v1", "OPENAI_API_KEY", (), "https://api.openai.com:8443"),
        ("https://api.openai.com.evil.example", "OPENAI_API_KEY", (), "evil.example"),
        ("https://xapi.openai.com", "OPENAI_API_KEY", (), "xapi"),
        ("http://api.openai.com/v1", "OPENAI_API_KEY", (), "https only"),
        ("http://192.168.1.5/v1", "LAB_KEY", [("LAB_KEY", "http://192.168.1.5")], "https only"),
        (EVIL, "LAB_KEY", [("OPENAI_API_KEY", "https://evil.example")], "--allow-origin"),
        (EVIL, "LAB_KEY", [("LAB_KEY", "https://evil.example:444")], "--allow-origin"),
        (EVIL, "LAB_KEY", [("LAB_KEY", "not a url")], "--allow-origin"),
        ("https://a:canary@evil.example", "LAB_KEY", [("LAB_KEY", "https://evil.example")], "user name"),
        ("", "LAB_KEY", (), "base_url is empty"),
        ("gopher://x", None, (), "https://"),
    ],
)
def test_may_not_go(base_url: str, variable: str | None, allowed: list[tuple[str, str]], said: str) -> None:
    """Any other pair of variable and origin is refused with a sentence that names the cure."""
    why = refusal(provider(base_url, variable), allowed)

    assert why is not None
    assert said in why
    assert "canary" not in why


def test_a_catalog_name_is_no_free_pass() -> None:
    """A suite that gives a catalog provider's own id another address is refused like any other."""
    why = refusal(provider(EVIL, "OPENAI_API_KEY", id="openai"), ())

    assert why is not None
    assert "belongs to https://api.openai.com" in why


def test_read_key() -> None:
    """A key is read from the environment that is given, blanks around it dropped; no variable is no key."""
    key = read_key(provider(OPENAI, "K"), {"K": " sk-canary-1234 \n"})

    assert key is not None
    assert key.reveal() == "sk-canary-1234"
    assert read_key(provider(OPENAI), {"K": "x"}) is None


@pytest.mark.parametrize("environ", [{}, {"K": ""}, {"K": "  \n"}, {"K": "a\r\nx-evil: 1"}, {"K": "ключ-canary"}])
def test_no_key(environ: dict[str, str]) -> None:
    """A variable that is unset, empty or holds what no header can is a usage error that names it, not its value."""
    with pytest.raises(UsageError, match="variable K ") as caught:
        read_key(provider(OPENAI, "K"), environ)

    assert "canary" not in str(caught.value)
    assert "evil" not in str(caught.value)


def test_a_secret_does_not_show_itself() -> None:
    """No way of printing or copying a Secret shows its text."""
    secret = Secret("canary-text")

    shown = f"{secret} {secret!r} {secret:>20} {[secret]} %s" % secret

    assert "canary" not in shown
    assert "***" in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("Authorization", True),
        ("authorization", True),
        ("Proxy-Authorization", True),
        ("API-Key", True),
        ("api_key", True),
        ("x-api-key", True),
        ("X-Goog-Api-Key", True),
        ("Ocp-Apim-Subscription-Key", True),
        ("X-Auth-Token", True),
        ("Cookie", True),
        (" cookie ", True),
        ("Host", True),
        ("Content-Length", True),
        ("Accept-Encoding", True),
        ("X-Team", False),
        ("HTTP-Referer", False),
        ("OpenAI-Organization", False),
        ("User-Agent", False),
        ("Idempotency-Key", False),
    ],
)
def test_forbidden_headers(name: str, forbidden: bool) -> None:
    """Headers that carry keys, or frame the request, are not for suites."""
    assert forbidden_header(name) is forbidden


@pytest.mark.parametrize(
    "text",
    [
        "sk-" + "a1B2" * 10,
        "sk-proj-" + "a1B2_-" * 8,
        "key is sk-ant-api03-" + "x9Yz" * 6,
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "11AAAA_bb" * 4,
        "gsk_" + "a1B2" * 10,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6",
        "Bearer abcdef0123456789",
        "bearer abcdef0123456789",
        "Basic dXNlcjpwYXNzd29yZA==",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
        "0f3a9c1b7e5d4f2a8b6c0d1e2f3a4b5c",
        "Zk3vQ9xL2mN8bT5cW7yR1dF6gH4jK0pS",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_looks_like_a_key(text: str) -> None:
    """The shapes of known keys, and long random words, are taken for keys."""
    assert looks_like_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OPENAI_API_KEY",
        "What is the capital of France?",
        "sk-short",
        "550e8400-e29b-41d4-a716-446655440000",
        "gpt-4o-mini-2024-07-18",
        "team-evaluation-2026-nightly-run-of-all-models",
        "00000000000000000000000000000000",
        "application/json",
        "a_very_long_variable_name_that_is_only_words_1",
        "bearer of bad news",
    ],
)
def test_does_not_look_like_a_key(text: str) -> None:
    """Plain words, names of variables, ids and dates are not taken for keys."""
    assert not looks_like_key(text)

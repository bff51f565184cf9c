"""How hard an endpoint is pushed: a concurrency found by trying, and patience while it is down.

Two controllers in one, both pure; one `Pressure` stands for one endpoint (a provider).

*Concurrency*, where no limit is stated: it doubles until the first sign of trouble and then grows by one a round
(additive increase); a refusal or an overload halves it, a latency that grows with the load lowers it by a fifth, each
at most once a round (multiplicative decrease: D. Chiu and R. Jain, Analysis of the Increase and Decrease Algorithms for
Congestion Avoidance, Computer Networks and ISDN Systems 17, 1989).

*Outage*: after several failures in a row that speak of the endpoint and not of a request, nothing is sent but one probe
after a pause that doubles up to a minute (the circuit breaker of M. Nygard, Release It!, 2007). So an outage costs what
was in flight when it began, and the probes.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.outcome import FailureKind

_DOWN = frozenset({FailureKind.OVERLOAD, FailureKind.CONNECT, FailureKind.RESET, FailureKind.TIMEOUT})
_PUSHED_BACK = frozenset({FailureKind.RATE_LIMIT, FailureKind.OVERLOAD})

_FIRST_AT_ONCE = 8.0
_FAILURES_IN_A_ROW = 5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_SLOWER, _SLACK_S = 2.5, 0.25
_SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing may go before *until*; None is after what is in flight has come back."""

    until: float | None
    why: str


class Pressure:
    """One endpoint. Mutable state: everything below; only `sent`, `answered` and `failed` change it."""

    def __init__(self, *, adaptive: bool, most: int) -> None:
        self._adaptive, self._most = adaptive, most
        self._at_once = min(float(most), _FIRST_AT_ONCE) if adaptive else float(most)
        self._doubling = True
        self._in_flight = 0
        self._latency_s = 0.0
        self._fastest_s = float("inf")
        self._lowered_at = float("-inf")
        self._in_a_row = 0
        self._pauses = 0
        self._down_since: float | None = None
        self._probe_at = 0.0

    @property
    def at_once(self) -> int:
        """How many requests may be in flight."""
        return max(1, int(self._at_once))

    def down_s(self, now: float) -> float:
        """How long the endpoint has been down; 0 where it is not."""
        return 0.0 if self._down_since is None else now - self._down_since

    def pause(self, now: float) -> Pause | None:
        """Why nothing may go at *now*; None: it may."""
        if self._down_since is not None:
            if self._in_flight:
                return Pause(None, "down: waiting for a probe")
            if now < self._probe_at:
                return Pause(self._probe_at, f"down for {self.down_s(now):.0f} s: next probe")
        if self._in_flight >= self.at_once:
            return Pause(None, f"{self.at_once} at once")
        return None

    def sent(self) -> None:
        """A request went out."""
        self._in_flight += 1

    def lost(self) -> None:
        """A request was cancelled: nothing is learned."""
        self._in_flight -= 1

    def answered(self, latency_s: float, now: float) -> None:
        """A reply came, whatever it says."""
        used = 2 * self._in_flight >= self.at_once  # or more room would prove nothing
        self._in_flight -= 1
        self._in_a_row, self._pauses, self._down_since = 0, 0, None
        if not self._adaptive:
            return
        self._fastest_s = min(self._fastest_s, latency_s)
        self._latency_s += _SMOOTHING * (latency_s - self._latency_s) if self._latency_s else latency_s
        if self._latency_s > _SLOWER * self._fastest_s + _SLACK_S:
            self._lower(0.8, now)
        elif used:
            # One more for each answer doubles it in a round; one in a round is a share for each answer.
            self._at_once = min(self._most, self._at_once + (1.0 if self._doubling else 1.0 / self._at_once))

    def failed(self, kind: FailureKind, now: float, draw: float, *, concurrency: bool = False) -> None:
        """A failure came; *concurrency* says that the server named its limit of requests at once. *draw* is in 0..1."""
        if concurrency:
            self._at_once = max(1.0, min(self._at_once, self._in_flight - 1.0))
            self._doubling = False
        elif kind in _PUSHED_BACK and self._adaptive:
            self._lower(0.5, now)
        self._in_flight -= 1
        if kind not in _DOWN:
            self._in_a_row, self._pauses, self._down_since = 0, 0, None
            return
        self._in_a_row += 1
        if self._down_since is None and self._in_a_row < _FAILURES_IN_A_ROW:
            return
        if self._down_since is not None and now < self._probe_at:
            return  # it was in flight when the endpoint went down: no probe
        if self._down_since is None:
            self._down_since = now
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._pauses, 10))
        self._pauses += 1
        self._probe_at = now + pause_s * (0.75 + 0.5 * draw)

    def _lower(self, share: float, now: float) -> None:
        """Come down once a round, which is about one latency."""
        self._doubling = False
        if now - self._lowered_at > self._latency_s:
            self._at_once = max(1.0, self._at_once * share)
            self._lowered_at = now

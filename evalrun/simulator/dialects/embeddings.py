"""OpenAI's embeddings: the core's own words.  (pure)"""

from __future__ import annotations

from evalrun.simulator.dialects.chat import broken, same_error, whole
from evalrun.simulator.dialects.wire import EVERY_STYLE, Dialect, no_stream

EMBEDDINGS = Dialect(
    translate=lambda asked: asked.body,
    reply=whole,
    events=no_stream,
    error=same_error,
    broken=broken,
    styles=EVERY_STYLE,
    core="embeddings",
)

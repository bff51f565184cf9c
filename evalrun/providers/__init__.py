"""One Request -> one Outcome: over HTTP in a wire dialect, or out of recorded answers. Only this room knows HTTP."""

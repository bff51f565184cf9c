"""The simulator in other words: each dialect is a translation around the one core, which speaks chat completions."""

"""Benchmarks: what the promises cost, and how near the best that is possible. `make bench-quota` runs one."""

"""Measurements: `python -m tests.benchmarks` prints the tables, `--write` keeps them in docs/performance.md."""

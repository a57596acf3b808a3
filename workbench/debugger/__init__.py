"""Pure rules of time travel: places in a run, forks and their soundness, alignment of two runs. No wiring."""

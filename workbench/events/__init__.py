"""The vocabulary of the whole program: content, requests, and the frozen facts that a run is made of.

A run is an append-only log of these events; everything else is a fold of them. This room knows nothing else of ours.
Events are in the past tense, one file per family, one discriminated union in `codec`.
"""

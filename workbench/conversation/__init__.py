"""Requests out of the state: order, pairing of calls and results, elision, keys. It does not know who sends them."""

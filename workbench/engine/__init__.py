"""The loop: think, dispatch, aggregate, until the model answers, a limit is reached, or a person stops it.

It decides from the folded state alone and writes what it does as events through `Journal`, a protocol of its own. So a
run that is live, resumed or forked is the same thing. It knows neither SQLite nor screens.
"""

"""`offline`: the embedded default, a researcher made of rules instead of a language model.

It is a provider like the others: it sees a request and nothing else, streams its turn in pieces, and so makes the
whole workbench work without a key or a network. It plans, searches for the parts of a question at once, reads the
best passages, delegates comparisons, and answers with sentences quoted from what came back. It knows the names and
the text formats of the embedded tools, as a model would from their descriptions; it knows neither loop nor library.
Tools, roles, skills and answers of somebody's own it understands by their names, descriptions and schemas.
"""

from workbench.providers.offline.provider import OfflineProvider

__all__ = ["OfflineProvider"]

"""Word lists: what the rules of `offline` know of English.

Plain data. They are short on purpose: a word that is missing costs a search for nothing, never an answer.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """
    a about above after again all almost already also although always am among an and another any are around
    as at away be became because been before being below between both but by came can cannot come could did do
    does doing done down each either else even ever every few for from further get gets give given gives goes
    got had has have having he her here him his how however i if in inside into is it its itself just let like
    made make makes many may me might mine more most much must my never no nor not now of off often on once
    only or other others our out outside over own per please put quite rather same shall she should since so
    some something soon still such take takes than that the their them then there these they thing things this
    those though through thus to together too under until up upon us use used uses using very via want was way
    we well were what whatever when where whether which while who whole whom whose why will with within
    without would yes yet you your
    """
)
"""Words that carry no meaning of their own."""

VERBS = _words(
    """
    affect affects appear appears applies apply become becomes behave behaves cause causes change changed
    combine combines compare compared compares concern connect contrast cope copes deal deals depend depends
    describe differ differs discuss exist exists explain find finds fit fits follow follows handle handles
    happen happens help helps hold holds impact influence influences integrate integrates interact interacting
    interaction interacts involve involves know look looks matter mean means need needs occur occurs outline
    play plays please raises recommend relate relates relating say says searching show shows speak speaks
    summarise summarize support supports tell treat treats understand work working works
    """
)
"""Verbs that tie the topics of a question together and are not topics themselves."""

GENERIC = _words(
    """
    answer case cases detail details difference differences example examples kind kinds question reason
    reasons relationship role sentence sort term terms topic topics type types way ways
    """
)
"""Nouns that are no topic where a question has others."""

KINDS = _words(
    """
    approach approaches choices feature features kinds method methods options strategies ways
    """
)
"""Nouns that only say that there is more than one of something."""

VAGUE = _words(
    """
    back case column default description example feature file following function kind line list name number
    object option order parameter part place point section setting sort state table text type user value
    version
    """
)
"""Nouns that no further search is made of."""

KEYWORDS = _words("and as else for from if in is not or try while with")
"""Stop words that are also keywords of programming languages."""

KEYWORD_NOUNS = _words("block blocks clause expression keyword loop loops operator statement statements")
"""What follows a keyword that is meant as such: `with block`."""

SHORT_FORMS = {
    "app": "application",
    "apps": "applications",
    "async": "asynchronous",
    "auth": "authentication",
    "config": "configuration",
    "conn": "connection",
    "db": "database",
    "dict": "dictionary",
    "dicts": "dictionaries",
    "docs": "documentation",
    "env": "environment",
    "func": "function",
    "param": "parameter",
    "params": "parameters",
    "perf": "performance",
    "postgres": "PostgreSQL",
    "repo": "repository",
    "tx": "transaction",
    "var": "variable",
    "vars": "variables",
}
"""What people write, and what documents write."""

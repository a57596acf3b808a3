"""Chinese questions: where one topic ends and the next begins, told by function words and punctuation.

Pure functions of text. There are no spaces to cut at, so the commonest function words are what a question is cut at;
those that also occur inside ordinary words are protected there.
"""

from __future__ import annotations

import re

_FUNCTION = re.compile(
    r"[，。、；：？！,.;:?!()（）《》「」“”\"\n]+"
    r"|^那么?|如何|怎么样|怎样|怎么|为什么|为何|什么时候|什么样|什么|哪一个|哪些|哪个|哪里|多少|是否|能否|可否|可以|应该|需要"
    r"|请问|请你|请|帮我|查明|告诉我|解释一下|解释|说明一下|说明|介绍一下|介绍|描述|总结|关注|重点|还有|另外|看看|查一下|一下"
    r"|以及|并且|或者|还是|之间|相互|互相|交互|互动|影响|关系|关联|区别|差异|不同|对比|比较|相比|有关|关于|对于|针对"
    r"|一起使用|使用时|进行|发生|工作|处理(?!器|机)|配合|结合|协作"
    r"|(?<!存)在(?!线)|(?<!目)的|[与及吗呢吧]|(?<!饱|柔|温|总)和(?!平|谐)|(?<!关|密)对(?!象|称|齐|数)"
    r"|(?<!所|拥|具)有(?!效|序|限)|是(?!否)|(?<!集|其|当|命|选|空|文)中(?!断|间|文|心|央|止)|时(?!间|区|钟|序)|跟|它们|它|会|用(?!户|法|途|例)"
)
_GLUE = re.compile("(?<=[\\w])的(?=[\\w])")
_COMPARE = re.compile("比较|对比|区别|差异|有什么不同|有何不同|哪个更|相比")
_ONE_FACT = re.compile("什么是|是什么|哪个|多少|几|何时|什么时候|哪里|默认|吗")
_RELATES = re.compile("交互|互动|影响|关系|关联|之间|配合|结合|协作|如何.*[与和]")
LEANS = re.compile("^(?:那么?|还有|另外|以及)|它们?|这个|那个|这些|那些|呢[？?]?$")
"""A question that leans on the one before it."""


def parts(text: str) -> list[str]:
    """Return the topics of a question, in order, each once."""
    rough = (piece.strip(" \t-") for piece in _FUNCTION.split(_GLUE.sub(" ", text)))
    found = [" ".join(piece.split()) for piece in rough]
    return list(dict.fromkeys(piece for piece in found if len(piece) > 1))


def compared(text: str) -> list[str]:
    """Return what a question wants compared; nothing where it compares nothing, or only one thing."""
    if not _COMPARE.search(text):
        return []
    found = parts(text)
    return found if len(found) > 1 else []


def is_simple(text: str, topics: list[str]) -> bool:
    """Whether one look-up is enough."""
    if _COMPARE.search(text):
        return False
    return len(topics) <= 1 or (len(topics) <= 2 and bool(_ONE_FACT.search(text)) and not _RELATES.search(text))

"""What `offline` says around the sentences that it quotes, in English and in Chinese.

Only wording: every field is a format string or a plain phrase. Which one is said when is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """The phrases of one language."""

    comma: str
    last_comma: str
    """Between the last two items of a list."""
    gap: str
    """Between sentences."""
    colon: str
    together: str
    """Between things that are compared."""
    one_topic: str
    many_topics: str
    searching: str
    delegating_because: str
    delegating: str
    passages_found: str
    reading: str
    other_words_because: str
    following_up_because: str
    noting: str
    noting_because: str
    asking_because: str
    asking: str
    reading_skills_because: str
    reading_skills: str
    switching_because: str
    switching: str
    roles_because: str
    roles: str
    again_because: str
    again: str
    mending_because: str
    mending: str
    instead_because: str
    instead: str
    doing_because: str
    doing: str
    wrong_because: str
    wrong: str
    no_answer: str
    enough_because: str
    enough: str
    nothing_found: str
    searched_for: str
    missing: str
    failed: str
    replaced: str
    not_looked_at: str
    differences: str
    compare_task: str
    compare_focus: str
    asked: str
    best_supported: str

    def join(self, items: Sequence[str]) -> str:
        """Return items as a list in a sentence."""
        if len(items) < 2:
            return "".join(items)
        return self.comma.join(items[:-1]) + self.last_comma + items[-1]


ENGLISH = Voice(
    comma=", ",
    last_comma=" and ",
    gap=" ",
    colon=": ",
    together=" with ",
    one_topic="This is about one thing: {topics}. One search should show where it is described.",
    many_topics="The question has {count} parts: {topics}. None of them needs the result of another.",
    searching="I search for {topics}.",
    delegating_because="Each of {topics} needs a look of its own before they can be compared.",
    delegating="I give {topics} to a subagent each, and compare what they bring back.",
    passages_found="The searches name {count} passages. Closest to the question: {names}.",
    reading="I read {names}.",
    other_words_because="Nothing came back for {topics}; other words may fit.",
    following_up_because="With this read, it remains to look for {topics}.",
    noting="I write it down.",
    noting_because="Something here is to be kept as a note.",
    asking_because="{names} may know something about {topics}.",
    asking="I ask {names}.",
    reading_skills_because="{names} says how this is done.",
    reading_skills="I read {names} first.",
    switching_because="None of the tools at hand fits; {names} should.",
    switching="I switch on {names}.",
    roles_because="What is asked is what {names} can do; none of them needs the result of another.",
    roles="I give it to {names}.",
    again_because="{call} failed, and that may pass ({reason}).",
    again="I try {names} once more.",
    mending_because="{call} did not take its input ({reason}).",
    mending="I mend the input of {names}.",
    instead_because="{call} gave nothing ({reason}); {names} takes the same kind of input.",
    instead="I ask {names} instead.",
    doing_because="{names} is what was asked for.",
    doing="Now I call {names}.",
    wrong_because="My answer was refused ({reason}).",
    wrong="I mend what is named.",
    no_answer="My answer was refused ({reason}), and I know no other. In words:",
    enough_because="{count} sources bear on the question; I quote what they say.",
    enough="That is what can be known from here. My answer:",
    nothing_found="I found nothing that answers this.",
    searched_for="I searched for: {topics}.",
    missing="On {topics} I found nothing.",
    failed="{call} gave no result ({reason}), so what it would have said is missing here.",
    replaced="{call} gave no result ({reason}); {other} answered in its place.",
    not_looked_at="I cannot look at files that come with a question, so this leaves out {names}.",
    differences="differences between {things}",
    compare_task="Find out about {thing}.",
    compare_focus="{thing}; leave out {others}",
    asked="Asked: ",
    best_supported="it agrees most with the others and names the most sources.",
)

CHINESE = Voice(
    comma="、",
    last_comma="和",
    gap="",
    colon="：",
    together="与",
    one_topic="问题只涉及一个主题：{topics}。搜索一次应该就能找到。",
    many_topics="问题分为 {count} 个部分：{topics}。它们互不依赖，可以同时查。",
    searching="搜索{topics}。",
    delegating_because="比较之前，{topics}需要分别研究。",
    delegating="把{topics}分别交给子代理，再比较结果。",
    passages_found="搜索给出了 {count} 个段落，最接近问题的是：{names}。",
    reading="阅读 {names}。",
    other_words_because="没有找到关于{topics}的内容，换一种说法再搜。",
    following_up_because="读完这些，还要查{topics}。",
    noting="记录下来。",
    noting_because="这里有需要记下的内容。",
    asking_because="{names} 可能知道{topics}。",
    asking="询问 {names}。",
    reading_skills_because="{names} 说明了这件事该怎么做。",
    reading_skills="先阅读 {names}。",
    switching_because="现有的工具都不合适，{names} 应该可以。",
    switching="启用 {names}。",
    roles_because="所问的正是 {names} 的专长；它们互不依赖。",
    roles="交给 {names}。",
    again_because="{call} 失败了，但可能只是暂时的（{reason}）。",
    again="再试一次 {names}。",
    mending_because="{call} 不接受这样的输入（{reason}）。",
    mending="修正 {names} 的输入。",
    instead_because="{call} 没有结果（{reason}）；{names} 接受同样的输入。",
    instead="改问 {names}。",
    doing_because="要做的就是 {names}。",
    doing="现在调用 {names}。",
    wrong_because="答案被退回：{reason}。",
    wrong="修正所指出的部分。",
    no_answer="我的答案被退回（{reason}），没有别的答案了。用文字说：",
    enough_because="有 {count} 个来源与问题有关；下面引用它们的原句。",
    enough="能查到的就是这些。回答如下：",
    nothing_found="没有找到能回答这个问题的内容。",
    searched_for="搜索过：{topics}。",
    missing="关于{topics}，没有找到任何内容。",
    failed="{call} 没有结果（{reason}），因此这里缺少相应的内容。",
    replaced="{call} 没有结果（{reason}），由 {other} 代为回答。",
    not_looked_at="我看不了随问题附上的文件，因此这里没有用到 {names}。",
    differences="{things}的区别",
    compare_task="查明{thing}。",
    compare_focus="{thing}；不必涉及{others}",
    asked="问题：",
    best_supported="它与其他答案最一致，引用的来源也最多。",
)


def voice_for(*, chinese: bool) -> Voice:
    """Return the phrases to speak in."""
    return CHINESE if chinese else ENGLISH


def is_about_nothing(text: str) -> bool:
    """Whether a sentence only says, in one of these voices, that something was not found or did not work."""
    return _NOTHING.fullmatch(text) is not None


_PHRASES = [
    phrase
    for voice in (ENGLISH, CHINESE)
    for phrase in (
        voice.missing,
        voice.nothing_found,
        voice.searched_for,
        voice.failed,
        voice.replaced,
        voice.not_looked_at,
    )
]
_NOTHING = re.compile("|".join(re.sub(r"\\{\w+\\}", ".+", re.escape(phrase)) for phrase in _PHRASES))

"""A race as lines and as files: nothing cut off silently, nothing that a terminal, a spreadsheet or a page obeys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from tests.builders import forked_run, researched_run
from tests.strange import strange_text
from tests.tui.fake_driver import row_of
from workbench.debugger.checks import Verdict
from workbench.debugger.race import Racer, standings
from workbench.state.history import History
from workbench.views.race import head_lines, racers_of, range_text, run_line, table_lines, title_line
from workbench.views.race_files import csv_text, markdown_text, race_document
from workbench.views.segments import line_text, line_width
from workbench.views.text import UNSAFE, human_cost, human_seconds, human_tokens


def field() -> list[Racer]:
    """Return a race of two variants, three runs and one."""
    good, bad = Verdict(True, "matches 'x'"), Verdict(False, "nothing in it matches")
    return [
        Racer("aaaa1111", "as it is", 1, "completed", 2, 4, 0, 4200, 0.0041, 2.1, "Yes.", good),
        Racer("bbbb2222", "as it is", 2, "completed", 3, 6, 1, 3900, 0.0032, 1.8, "No | yes.", bad),
        Racer("cccc3333", "as it is", 3, "completed", 2, 4, 0, 4800, 0.0053, 3.0, "Yes.", good),
        Racer("dddd4444", "=model x", 1, "runs", 1, 2, 0, 900, None, 0.4),
    ]


TABLE = """\
variant        runs  ended   passed  steps  calls  errors     tokens          cost       time  answers
as it is          3     3✓      2/3      2      4       0      4.2 k        $0.004      2.1 s   2 of 3
  from – to                 21–94 %    2–3    4–6     0–1  3.9–4.8 k  $0.003–0.005  1.8–3.0 s
  middle half                        2–2.5    4–5   0–0.5  4.0–4.5 k  $0.004–0.005  2.0–2.5 s
=model x          1     1⏵        –      –      –       –          –             –          –        –"""


def test_a_table_has_medians_ranges_and_middle_halves() -> None:
    """One line of medians a variant, below it what they lie between; of a variant that is not over nothing is told."""
    lines = [line_text(line).rstrip() for line in table_lines(standings(field()), 110)]
    assert "\n".join(lines) == TABLE


@pytest.mark.parametrize("width", [30, 50, 79, 100, 200])
def test_a_table_fits_and_names_what_it_leaves_out(width: int) -> None:
    """Columns that matter least go first, never half of one, and the last line names them."""
    lines = table_lines(standings(field()), width)
    assert max(map(line_width, lines)) <= max(width, 30)
    headings = line_text(lines[0])
    missing = [name for name in ("calls", "errors", "tokens", "steps", "answers") if name not in headings]
    if missing and width >= 79:
        assert all(name in line_text(lines[-1]) for name in missing)


@pytest.mark.parametrize(
    ("low", "high", "words", "text"),
    [
        (1.8, 3.0, human_seconds, "1.8–3.0 s"),
        (0.119, 9.0, human_seconds, "119 ms–9.0 s"),
        (900, 4200, human_tokens, "900–4.2 k"),
        (0.001, 0.002, human_cost, "$0.001–0.002"),
        (0.0, 0.0, human_cost, "$0"),
    ],
)
def test_a_range_names_its_unit_once(low: float, high: float, words: object, text: str) -> None:
    """So that it is read at a glance."""
    assert range_text(low, high, words) == text  # type: ignore[arg-type]


def test_the_runs_of_a_race_are_numbered_within_their_variant() -> None:
    """A run has the name of its variant and which of its repeats it is; one that was not read yet only waits."""
    log = forked_run()
    rows = [replace(row_of(log), variant="x", race="9c1e"), replace(row_of(researched_run()), variant="x", race="9c1e")]
    history = History()
    for record in log.records:
        history.append(record)
    first, second = racers_of(rows, {log.run: history})
    assert (first.number, first.fate, second.number, second.fate) == (1, "completed", 2, "waits")
    (left,) = racers_of([replace(rows[0], hidden=True), rows[1]], {})
    assert left.number == 2


CSV = """\
race,run,variant,number,ended,steps,calls,errors,tokens,cost_usd,seconds,passed,why,answer\r
12ab,aaaa1111,as it is,1,completed,2,4,0,4200,0.004100,2.100,yes,matches 'x',Yes.\r
12ab,bbbb2222,as it is,2,completed,3,6,1,3900,0.003200,1.800,no,nothing in it matches,No | yes.\r
12ab,cccc3333,as it is,3,completed,2,4,0,4800,0.005300,3.000,yes,matches 'x',Yes.\r
12ab,dddd4444,'=model x,1,runs,1,2,0,900,,0.400,,,\r
"""


def test_csv_has_a_line_for_each_run() -> None:
    """RFC 4180, and a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    assert csv_text("12ab", field()) == CSV


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1"])
def test_no_answer_becomes_a_formula(start: str) -> None:
    """Whatever a model answers, opening the file calculates and fetches nothing."""
    racer = Racer("a", "b", 1, "completed", answer=start)
    cell = csv_text("r", [racer]).split("\r\n", 1)[1].split(",", 13)[13].strip('"')
    assert not cell.lstrip(" \n").startswith(("=", "+", "-", "@", "\t"))


MARKDOWN = """\
# Race 12ab

Check: pattern:a\\|b

| variant | runs | ended | passed (95 %) | steps (range) | calls (range) | errors (range) | tokens (range) \
| cost (range) | time (range) | answers |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
| as it is | 3 | 3 completed | 2/3 (21–94 %) | 2 (2–3) | 4 (4–6) | 0 (0–1) | 4.2 k (3.9–4.8 k) \
| $0.004 ($0.003–0.005) | 2.1 s (1.8–3.0 s) | 2 different of 3 |
| =model x | 1 | 1 runs | – | – | – | – | – | – | – | 0 different of 0 |

Figures are medians of the runs that came to their end by themselves, since the fork.
"""


def test_markdown_has_a_line_for_each_variant() -> None:
    """A table that any page shows; a pipe in a name does not end its cell."""
    assert markdown_text("12ab", field(), ["pattern:a|b"]) == MARKDOWN
    one = markdown_text("r", [Racer("a", "x|[y](z)<b>", 1, "completed")])
    assert "| x\\|\\[y\\](z)\\<b\\> | 1 |" in one
    assert "one sample of a model proves nothing" in one


def test_a_document_has_everything() -> None:
    """For programs: the variants with their spread, the runs with their answers."""
    document = race_document("12ab", field(), ["pattern:x"])
    assert document["variants"][0]["seconds"]["high"] == 3.0
    assert document["variants"][0]["passed"]["hits"] == 2
    assert [run["run"][:4] for run in document["runs"]] == ["aaaa", "bbbb", "cccc", "dddd"]


@given(strange_text())
def test_strange_names_and_answers_are_inert(text: str) -> None:
    """No name of a variant, answer, reason or check reaches a terminal as anything but text."""
    racer = Racer("a", text, 1, "completed", answer=text, verdict=Verdict(False, text))
    lines = [
        *table_lines(standings([racer]), 100),
        *head_lines(racer, 60),
        run_line(racer, 120),
        title_line(text, [racer], 100, place=text, task=text, checks=[text]),
    ]
    shown = "\n".join(line_text(line) for line in lines) + markdown_text(text, [racer], [text])
    assert not UNSAFE.search(shown)
    assert not UNSAFE.search(csv_text(text, [racer]).replace("\r\n", ""))

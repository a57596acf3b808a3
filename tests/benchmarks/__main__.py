"""Measure everything, or the sections named; print the tables; with `--write` put them into docs/performance.md."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import (
    bench_eager,
    bench_loop,
    bench_models,
    bench_peers,
    bench_scale,
    bench_start,
    bench_store,
    bench_timeline,
)
from tests.benchmarks.claims.tables import tables as claims
from tests.benchmarks.measure import Row, Table, conditions
from workbench.__main__ import collect_rarely

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
MARK = "<!-- measured -->"


@dataclass(frozen=True)
class Section:
    """A part of the page: its name on the command line, its title, and what measures it."""

    name: str
    title: str
    measure: Callable[[list[Path]], list[Table]]
    """Given the interpreters that have other frameworks. A table without a title is the section's only one."""

    def text(self, pythons: list[Path]) -> str:
        """Measure, and return the section as Markdown."""
        parts = [f"## {self.title}", conditions()]
        for table in self.measure(pythons):
            parts += [f"### {table.title}"] if table.title else []
            parts.append(table.text())
        return "\n\n".join(parts) + "\n"


def own(rows: Callable[[], list[Row]]) -> Callable[[list[Path]], list[Table]]:
    """Return what measures our own figures beside their targets."""
    return lambda _: [Table.of("", rows())]


SECTIONS = (
    Section("screen", "Screen", own(bench_timeline.rows)),
    Section("loop", "Loop", own(bench_loop.rows)),
    Section("store", "Store", own(bench_store.rows)),
    Section("start", "Start", own(bench_start.rows)),
    Section("models", "Models", own(bench_models.rows)),
    Section("eager", "Eager calls", own(bench_eager.rows)),
    Section("peers", "Peers", bench_peers.tables),
    Section("claims", "The field's claims", claims),
    Section("scale", "Scale", lambda _: bench_scale.tables()),
)


def kept(page: str) -> dict[str, str]:
    """Return the sections of a page by their titles."""
    parts = re.split(r"^## ", page.split(MARK)[1], flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: f"## {part.strip()}\n" for part in parts}


def write(measured: dict[str, str]) -> None:
    """Put what was measured into the page; sections that were not measured stay as they were."""
    page = PAGE.read_text("utf-8")
    found = {**kept(page), **measured}
    parts = [found[section.title] for section in SECTIONS if section.title in found]
    PAGE.write_text(f"{page.split(MARK)[0]}{MARK}\n\n" + "\n".join(parts), "utf-8")


def main() -> int:
    """Run the measurements one after the other, the collector set as in the program; return 0 where all ended well."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(part.name for part in SECTIONS))
    parser.add_argument("--write", action="store_true", help="keep what is measured in docs/performance.md")
    parser.add_argument(
        "--python",
        action="append",
        type=Path,
        default=[],
        help="an interpreter that has other frameworks; may be repeated; each is asked for in all of them",
    )
    options = parser.parse_args()
    if unknown := set(options.sections) - {section.name for section in SECTIONS}:
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    chosen = [section for section in SECTIONS if not options.sections or section.name in options.sections]
    if len(chosen) > 1:
        return max(_apart(section, options) for section in chosen)
    collect_rarely()
    text = chosen[0].text([*options.python, Path(sys.executable)])
    print(text, flush=True)
    if options.write:
        write({chosen[0].title: text})
    return 0


def _apart(section: Section, options: argparse.Namespace) -> int:
    """Measure a section in a process of its own, so that none has to do with what another left in memory."""
    given = [*(["--write"] if options.write else []), *(f"--python={path}" for path in options.python)]
    return subprocess.run([sys.executable, "-m", "tests.benchmarks", section.name, *given], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

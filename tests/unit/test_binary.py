"""Blocks that are no text: named for what they are, opened only where nothing can come of it."""

from __future__ import annotations

import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strange import strange_text
from workbench.errors import UserError
from workbench.events.content import DocumentBlock, ImageBlock, binary_blocks, text_content
from workbench.tui import opening
from workbench.tui.opening import open_block, opener, private_folder, run_detached, write_private
from workbench.views.binary import block_label, refuse_opening, suffix_of
from workbench.views.text import UNSAFE

REAL = {
    "image/png": (b"\x89PNG\r\n\x1a\n...", ".png"),
    "image/jpeg": (b"\xff\xd8\xff\xe0", ".jpg"),
    "image/gif": (b"GIF89a", ".gif"),
    "image/webp": (b"RIFF\0\0\0\0WEBPVP8", ".webp"),
    "application/pdf": (b"%PDF-1.7", ".pdf"),
    "audio/wav": (b"RIFF\0\0\0\0WAVEfmt", ".wav"),
    "audio/mpeg": (b"ID3\x04", ".mp3"),
    "text/plain": (b"Hello, \xe4\xb8\xad", ".txt"),
    "text/plain; charset=utf-8": (b"", ".txt"),
    "application/json": (b'[{"a": 1}]', ".json"),
    "text/csv": (b"a,b\n=cmd|1,2", ".csv.txt"),
}
"""What is opened, with bytes that are what they say."""


def block(media_type: str, data: bytes, name: str = "") -> DocumentBlock:
    """Return a block."""
    return DocumentBlock(data=data, media_type=media_type, name=name)


@pytest.mark.parametrize(("media_type", "data", "suffix"), [(kind, *rest) for kind, rest in REAL.items()])
def test_harmless_kinds_are_opened(media_type: str, data: bytes, suffix: str) -> None:
    """Images, documents, sounds and plain text, under an ending that belongs to the kind."""
    assert refuse_opening(block(media_type, data)) == ""
    assert suffix_of(block(media_type.upper(), data)) == suffix


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/x-sh", "application/zip", "", "exe"])
def test_other_kinds_are_saved_only(media_type: str) -> None:
    """What could execute, or what nobody knows, is never opened."""
    assert "not a kind that is opened" in refuse_opening(block(media_type, b"\x89PNG\r\n\x1a\n"))
    assert suffix_of(block(media_type, b"")) == ".bin"


@pytest.mark.parametrize("media_type", [kind for kind in REAL if kind != "audio/mpeg"])
@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>alert(1)</script>", b"#!/bin/sh\nrm -rf /", b"MZ\x90\0", b"\x7fELF", b" \n<svg onload='x'>",
        b"\xef\xbb\xbf<!DOCTYPE html>", b"text first, <script>then this", b"\xff\xfe\0x",
    ],
)  # fmt: skip
def test_bytes_that_are_something_else_are_saved_only(media_type: str, data: bytes) -> None:
    """Desktops look at content: a page or a program that calls itself an image or a text is not opened."""
    assert "not those of" in refuse_opening(block(media_type, data))


def test_a_desktop_entry_is_no_plain_text() -> None:
    """It would start a program; a JSON list begins alike, and is opened."""
    assert refuse_opening(block("text/plain", b"[Desktop Entry]\nExec=sh"))
    assert not refuse_opening(block("application/json", b"[1]"))


@given(strange_text(60), strange_text(60), st.binary(max_size=40))
def test_labels_and_endings_are_ours(media_type: str, name: str, data: bytes) -> None:
    """Whatever a block calls itself, its label obeys nobody and its ending is one of the table."""
    made = DocumentBlock.model_construct(type="document", data=data, media_type=media_type, name=name)
    assert not UNSAFE.search(block_label(made))
    assert "\n" not in block_label(made)
    assert suffix_of(made) in {suffix for _, suffix in REAL.values()} | {".bin"}
    refuse_opening(made)


def test_blocks_are_found_among_texts() -> None:
    """Only what is no text can be opened, and its label names kind, size and name."""
    image = ImageBlock(data=b"x" * 1_200, media_type="image/png")
    assert binary_blocks((*text_content("a"), image)) == [image]
    assert block_label(image) == "▣ image/png · 1.2 kB"
    assert block_label(block("application/pdf", b"x", "a/../b.pdf")) == "▣ application/pdf · 1 B · a/../b.pdf"


def test_a_file_is_private_and_named_by_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data's own name is no path; nobody else can read or run the file; nothing is written over."""
    monkeypatch.setattr(opening, "opener", lambda platform, environment: None)
    opened = open_block(block("application/pdf", b"%PDF-", "../../etc/passwd"), tmp_path)
    assert opened.path == tmp_path / "block.pdf"
    assert "no desktop" in opened.problem
    assert stat.S_IMODE(opened.path.stat().st_mode) == 0o600
    with pytest.raises(UserError, match="cannot be written"):
        write_private(opened.path, b"again")
    assert opened.path.read_bytes() == b"%PDF-"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert stat.S_IMODE(private_folder().stat().st_mode) == 0o700


def test_what_is_refused_is_never_given_to_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is saved, and the reason is told."""
    ran: list[list[str]] = []
    monkeypatch.setattr(opening, "opener", lambda platform, environment: ["open"])

    def run(command: list[str]) -> str:
        ran.append(command)
        return ""

    monkeypatch.setattr(opening, "run_detached", run)
    assert "not those of image/png" in open_block(block("image/png", b"#!/bin/sh"), tmp_path).problem
    assert ran == []
    opened = open_block(block("image/gif", b"GIF89a"), tmp_path)
    assert ran == [["open", str(opened.path)]]
    assert opened.problem == ""


def test_openers_of_the_platforms(tmp_path: Path) -> None:
    """On Linux a desktop must be there to show anything; without one, nothing is started in the terminal."""
    program = tmp_path / "xdg-open"
    program.touch(0o755)
    here = {"PATH": str(tmp_path)}
    assert opener("linux", here) is None
    assert opener("linux", {**here, "DISPLAY": ":0"}) == [str(program)]
    assert opener("linux", {"PATH": "", "WAYLAND_DISPLAY": "w"}) is None
    assert opener("darwin", {}) == ["/usr/bin/open"]
    assert opener("win32", {"SYSTEMROOT": "D:\\W"}) == ["D:\\W\\explorer.exe"]


def test_a_program_runs_beside_and_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its words do not reach the screen, it is in a session of its own, and one that is missing is told."""
    done = tmp_path / "done"
    code = f"import os; print('x'); open({str(done)!r}, 'w').write(str(os.getsid(0) == os.getpid()))"
    assert run_detached([sys.executable, "-c", code]) == ""
    for thread in threading.enumerate():
        if thread.name == "workbench-opener":
            thread.join(20)
    assert done.read_text() == "True"
    assert capfd.readouterr() == ("", "")
    assert "does not start" in run_detached([str(tmp_path / "nothing")])

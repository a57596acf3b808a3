"""Python's collector while very many values are made: off, on again, and its work still done in the end."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Iterator

import pytest

from workbench import garbage
from workbench.garbage import BULK, WHOLE_EVERY, uncollected


class Knot:
    """A value that refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave the collector as it was."""
    was_on = gc.isenabled()
    gc.enable()
    yield
    gc.unfreeze()
    (gc.enable if was_on else gc.disable)()


def test_it_is_off_meanwhile_and_on_again_whatever_happened() -> None:
    """Many values are made without a look for garbage; an error does not leave it so."""
    with uncollected(BULK):
        assert not gc.isenabled()
        with uncollected(BULK):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="torn"), uncollected(BULK):
        raise ValueError("torn")
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked_meanwhile_has_it_on() -> None:
    """The thread that would turn it on again is not in there, so nobody else would."""
    with uncollected(BULK):
        child = os.fork()
        if child == 0:
            os._exit(0 if gc.isenabled() else 1)
        _, how = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(how) == 0


def test_few_values_change_nothing() -> None:
    """What is young stays young, so that the collector's count goes on where small reads come one after the other."""
    with uncollected(BULK - 1):
        assert gc.isenabled()


def test_a_program_that_turned_it_off_finds_it_off() -> None:
    """The collector belongs to the program."""
    gc.disable()
    with uncollected(BULK):
        pass
    assert not gc.isenabled()


def test_what_was_made_is_old_and_can_still_be_freed() -> None:
    """The next look at young objects does not walk what was made; a look at all does."""
    with uncollected(BULK):
        knot = Knot()
    assert not gc.get_freeze_count()
    assert any(each is knot for each in gc.get_objects(generation=2))
    gone = weakref.ref(knot)
    del knot
    gc.collect()
    assert gone() is None


def test_what_the_program_froze_stays_frozen() -> None:
    """A server freezes what it shares with its workers; that is not undone."""
    shared = Knot()
    gc.freeze()
    with uncollected(BULK):
        pass
    assert gc.get_freeze_count()
    assert not any(each is shared for each in gc.get_objects())  # which are those that are not frozen


def test_garbage_is_found_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that only ever reads long runs collects now and then all the same."""
    monkeypatch.setattr(garbage, "_times", iter(range(1, 2 * WHOLE_EVERY)))
    gone = weakref.ref(Knot())
    for _ in range(WHOLE_EVERY):
        with uncollected(BULK):
            pass
    assert gone() is None

"""How the model is asked, changed by a person: which of its parameters there are, and which values they take."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from workbench.errors import EditRefusedError
from workbench.events.agent import ModelParameters


def read_parameters(before: ModelParameters, wanted: Mapping[str, JsonValue] | None) -> ModelParameters | None:
    """Return the parameters with those that a person chose, or None where nothing is chosen; refuses what is none."""
    if wanted is None:
        return None
    known = tuple(ModelParameters.model_fields)
    if unknown := [name for name in wanted if name not in known]:
        raise EditRefusedError(f"{unknown[0]!r} is no parameter of a model; there are {', '.join(known)}")
    try:
        return ModelParameters.model_validate({**before.model_dump(), **wanted}, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise EditRefusedError(f"{name} = {wanted.get(name)!r} cannot be used: {first['msg'].lower()}") from None

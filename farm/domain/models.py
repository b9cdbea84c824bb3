"""Models of printers that many shops have: what one of them can do need not be typed. Data: `models.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from farm.domain.printer import Profile
from farm.errors import Invalid

_FILLED = (
    "volume_mm",
    "nozzle_mm",
    "max_nozzle_degc",
    "max_bed_degc",
    "heat_up_w",
    "heat_up_s",
    "printing_w",
)


@dataclass(frozen=True, slots=True)
class Model:
    """One model. profile: what it can do, as far as its source says. also: other names people give it."""

    name: str
    also: tuple[str, ...]
    profile: Profile
    source: str


@cache
def known() -> tuple[Model, ...]:
    """Every model, by name."""
    text = resources.files("farm.domain").joinpath("models.toml").read_text("utf-8")
    return tuple(_model(name, fields) for name, fields in sorted(tomllib.loads(text).items()))


def _model(name: str, fields: Mapping[str, Any]) -> Model:
    figures = {field: fields[field] for field in (*_FILLED, "materials") if field in fields}
    profile = msgspec.convert({**figures, "model": name}, Profile)
    return Model(name, tuple(fields.get("also", ())), profile, fields["source"])


def known_as(name: str) -> str | None:
    """What the farm calls the model of this name, however it is written; None for one it does not know."""
    found = _by_name().get(" ".join(name.split()).casefold())
    return None if found is None else found.name


@cache
def _by_name() -> Mapping[str, Model]:
    return {each.casefold(): model for model in known() for each in (model.name, *model.also)}


def named(name: str) -> Model:
    """The model of this name, however it is written. Raises Invalid with the nearest one there is."""
    found = _by_name().get(" ".join(name.split()).casefold())
    if found is None:
        close = difflib.get_close_matches(name.casefold(), _by_name(), n=1)
        hint = (
            f"did you mean {_by_name()[close[0]].name}?" if close else "leave it out, and say what it can do"
        )
        raise Invalid(f"the farm knows no model {name[:40]!r}; {hint}", "profile.model")
    return found


def filled_in(profile: Profile) -> Profile:
    """The profile with what its model is known to do, where nobody has said otherwise. Raises Invalid."""
    if profile.model is None:
        return profile
    model = named(profile.model)
    missing = {name: getattr(model.profile, name) for name in _FILLED if getattr(profile, name) is None}
    return replace(
        profile, model=model.name, materials=profile.materials or model.profile.materials, **missing
    )

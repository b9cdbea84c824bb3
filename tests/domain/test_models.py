"""Known models of printers: plausible, found by the names people use, and the shop knows better."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.domain import models
from farm.domain.printer import Address, Printer, Profile
from farm.errors import Invalid
from farm.printers.settings import changed_printer, checked_printer

MK4 = Printer("mk4", "MK4", Address("octoprint", "http://10.0.0.7"))


def test_every_model_is_a_printer_that_could_be_set_up_and_says_where_its_figures_are_from():
    for model in models.known():
        checked_printer(replace(MK4, profile=model.profile))
        assert model.source
        assert model.profile.volume_mm is not None
        assert model.profile.nozzle_mm is not None


def test_no_name_means_two_models():
    names = [name.casefold() for model in models.known() for name in (model.name, *model.also)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["Prusa MK4", "original prusa mk4", " MK4 "])
def test_a_model_fills_in_what_nobody_says(name):
    profile = checked_printer(replace(MK4, profile=Profile(model=name, nozzle_mm=0.6))).profile
    assert (profile.model, profile.volume_mm) == ("Prusa MK4", (250, 210, 220))
    assert (profile.max_nozzle_degc, profile.max_bed_degc, profile.nozzle_mm) == (290, 120, 0.6)
    assert profile.printing_w is None


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(Invalid, match=r"no model 'Prussa MK4'; did you mean Prusa MK4\?") as refused:
        checked_printer(replace(MK4, profile=Profile(model="Prussa MK4")))
    assert refused.value.field == "profile.model"
    with pytest.raises(Invalid, match="leave it out"):
        models.named("toaster")


def test_a_printer_can_be_said_to_be_of_a_model_later():
    changed = changed_printer(replace(MK4, profile=Profile(max_bed_degc=90)), {"profile": {"model": "MINI+"}})
    assert (changed.profile.volume_mm, changed.profile.max_bed_degc) == ((180, 180, 180), 90)
    assert changed_printer(changed, {"profile": {"model": None}}).profile.model is None

"""A figure knows its ratio and whether its goal is met."""

from __future__ import annotations

import pytest

from scripts.benches.figure import Figure, Rival, alternating


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        ("value<=6.0", True),
        ("value<6", False),
        ("value>=6.001", False),
        ("value>-1", True),
        ("ratio>=0.6", True),
        ("ratio>0.6", False),
        ("ratio<=0.59", False),
        (None, None),
    ],
)
def test_goal_is_held_against_the_value_or_the_ratio(goal, met):
    assert Figure("idle", 6.0, "kB", Rival("bare", 10.0), goal).met is met


@pytest.mark.parametrize("goal", ["ratio=>0.6", "speed>=1", "value<=", "value<=6 kB", "", "value==6"])
def test_goal_of_another_shape_is_refused(goal):
    with pytest.raises(ValueError, match="is not like"):
        Figure("idle", 6.0, "kB", Rival("bare", 10.0), goal)


def test_goal_on_a_ratio_needs_a_rival():
    with pytest.raises(ValueError, match="needs a rival"):
        Figure("tell", 6.0, "us", goal="ratio<=1")


def test_rival_of_nothing_is_refused():
    with pytest.raises(ValueError, match="gives no ratio"):
        Figure("tell", 6.0, "us", Rival("bare", 0.0))


def test_figure_has_the_published_shape():
    assert Figure("tell", 3.0, "us", Rival("trio channel", 2.0), "ratio<=1.0").as_json() == {
        "name": "tell",
        "value": 3.0,
        "unit": "us",
        "rival": {"name": "trio channel", "value": 2.0},
        "ratio": 1.5,
        "goal": "ratio<=1.0",
        "met": False,
    }
    alone = Figure("rows", 3.0, "1/s").as_json()
    assert (alone["rival"], alone["ratio"], alone["goal"], alone["met"]) == (None, None, None, None)


def test_rivals_are_measured_in_turn_and_their_medians_taken():
    order: list[str] = []
    numbers = iter([1.0, 10.0, 100.0, 30.0, 2.0, 20.0])

    def measure(who: str) -> float:
        order.append(who)
        return next(numbers)

    medians = alternating(lambda: measure("ours"), lambda: measure("rival"), rounds=3)

    assert order == ["ours", "rival"] * 3
    assert medians == (2.0, 20.0)

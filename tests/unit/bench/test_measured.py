"""Rounds in turns, and the line that is made of them."""

from __future__ import annotations

from scripts.bench.measured import against, compared, in_turns


def test_the_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return len(order)

    found = in_turns({"ours": lambda: side("ours"), "peer": lambda: side("peer")}, rounds=3)
    assert order == ["ours", "peer"] * 3
    assert found == {"ours": [1, 3, 5], "peer": [2, 4, 6]}


def test_medians_are_compared() -> None:
    line = against("append", "events/s", [100, 5_000, 1_000], [50, 1, 100], peer_is="stock")
    assert (line.ours, line.peer, line.ratio, line.rounds, line.best) == (1_000, 50, 20, 3, 5_000)


def test_a_higher_ratio_is_better_where_a_lower_figure_is() -> None:
    line = against("p99", "ms", [2.0], [9.0], peer_is="stock", lower_is_better=True)
    assert (line.ratio, line.best) == (4.5, 2.0)


def test_without_a_peer_there_is_no_ratio() -> None:
    line = compared("verify", "events/s", ours=lambda: 7.0, rounds=2)
    assert (line.ours, line.peer, line.ratio) == (7.0, None, None)

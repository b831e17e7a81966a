"""Which of the waiting appends go into the next statement."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from eventlog.group_commit.queue import AppendQueue, QueuedAppend
from tests.support.eventlog.sample_events import an_append

Groups = AppendQueue[int]


def _waiting(account: str, number: int = 0, events: int = 1) -> QueuedAppend[int]:
    return QueuedAppend(an_append(f"acme/{account}", count=events), number)


def _added(groups: Groups, *waiting: QueuedAppend[int]) -> list[QueuedAppend[int]]:
    for one in waiting:
        groups.add(one)
    return list(waiting)


def test_all_that_wait_go_into_one_statement_in_the_order_in_which_they_came() -> None:
    groups = Groups(max_events=100)
    waiting = _added(groups, *(_waiting(name) for name in "bac"))
    assert groups.first() is waiting[0]
    assert groups.take() == waiting
    assert groups.take() == []
    assert groups.first() is None


def test_a_statement_takes_so_many_events_and_an_append_of_more_goes_alone() -> None:
    groups = Groups(max_events=5)
    a, b, c, long, d = _added(
        groups,
        _waiting("a", events=2),
        _waiting("b", events=3),
        _waiting("c"),
        _waiting("long", events=9),
        _waiting("d"),
    )
    assert [groups.take() for _ in range(5)] == [[a, b], [c], [long], [d], []]


def test_a_statement_takes_its_share_of_all_that_have_no_outcome_and_leaves_the_rest_to_the_others() -> None:
    groups = Groups(max_events=100)
    a, b, c, d, e = _added(groups, *(_waiting(name) for name in "abcde"))
    assert groups.take(share=2) == [a, b, c]
    assert groups.take(share=2) == [d, e]
    groups.finish([a, b, c])
    f, g = _added(groups, *(_waiting(name) for name in "fg"))
    assert groups.take(share=2) == [f, g]
    groups.finish([d, e, f, g])
    [alone] = _added(groups, _waiting("alone"))
    assert groups.take(share=2) == [alone]


def test_the_next_append_of_an_account_waits_until_the_one_before_has_ended() -> None:
    groups = Groups(max_events=100)
    first, second, third, other = _added(groups, _waiting("a"), _waiting("a"), _waiting("a"), _waiting("b"))
    group = groups.take()
    assert group == [first, other]
    assert groups.take() == []
    groups.finish(group)
    assert groups.take() == [second]
    groups.finish([second])
    assert groups.take() == [third]
    assert groups.waiting == 1


def test_one_that_is_withdrawn_is_not_taken_and_makes_way_for_the_next_of_its_account() -> None:
    groups = Groups(max_events=100)
    first, second, third = _added(groups, _waiting("a"), _waiting("a"), _waiting("a"))
    assert groups.withdraw(second)
    assert groups.withdraw(first)
    assert groups.waiting == 1
    assert groups.take() == [third]
    assert not groups.withdraw(third)
    groups.finish([third])
    assert not groups.withdraw(third)
    assert groups.waiting == 0


@given(
    coming=st.lists(st.builds(_waiting, st.sampled_from("abcd"), st.just(0), st.integers(1, 4)), max_size=40),
    steps=st.lists(st.sampled_from(["add", "add", "take", "finish", "withdraw"]), max_size=120),
    max_events=st.integers(1, 8),
    share=st.integers(1, 3),
)
def test_whatever_happens_everyone_has_one_turn_and_no_account_two_at_once(
    coming: list[QueuedAppend[int]], steps: list[str], max_events: int, share: int
) -> None:
    groups = Groups(max_events=max_events)
    arriving, expected, turns = iter(coming), list[QueuedAppend[int]](), list[QueuedAppend[int]]()
    running: list[list[QueuedAppend[int]]] = []
    for step in [*steps, *["take", "finish"] * len(coming)]:
        if step == "add":
            expected += _added(groups, *islice(arriving, 1))
        elif step == "take" and (group := groups.take(share=share)):
            running.append(group)
            turns += group
            _check_statements(running, max_events)
        elif step == "finish" and running:
            groups.finish(running.pop(0))
        elif step == "withdraw" and (first := groups.first()):
            assert groups.withdraw(first)
            expected.remove(first)
    assert groups.waiting == len(running) == 0
    for name in "abcd":
        assert _of(f"acme/{name}", turns) == _of(f"acme/{name}", expected)


def _check_statements(running: list[list[QueuedAppend[int]]], max_events: int) -> None:
    accounts = [one.append.account_id for group in running for one in group]
    assert len(accounts) == len(set(accounts))
    for group in running:
        assert len(group) <= 1 or sum(len(one.append.events) for one in group) <= max_events


def _of(account_id: str, turns: list[QueuedAppend[int]]) -> list[QueuedAppend[int]]:
    return [one for one in turns if one.append.account_id == account_id]

"""Whose turn it is: addresses in turn, sessions in turn, nobody refused for company, nothing done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from negviz.page.server.lanes import BusyError, Lane, LeftError
from negviz.page.server.visitors import ProxyError, Visitor, address_of, proxies


class Work:
    """Tasks that end when they are told to, and the order in which they began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}

    def __call__(self, name: str) -> Callable[[], Coroutine[Any, Any, str]]:
        gate = self._gates.setdefault(name, asyncio.Event())

        async def work() -> str:
            self.begun.append(name)
            await gate.wait()
            return name

        return work

    def end(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()

    def end_all(self) -> None:
        self.end(*self._gates)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


async def settle() -> None:
    """Until everything that can go on has."""
    for _ in range(20):
        await asyncio.sleep(0)


def ask(lane: Lane, work: Work, *names: str, **how: Any) -> list[asyncio.Task[str]]:
    """Names are "address session number", whole or in part."""
    return [asyncio.create_task(lane.run(visitor(name), work(name), **how)) for name in names]


def visitor(name: str) -> Visitor:
    address, session, *_ = name.split()
    return Visitor(address, session)


def test_turns_go_round_addresses_and_within_them_round_sessions() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()
        flood = [f"flood {session} {number}" for session in "ab" for number in "123"]
        tasks = ask(lane, work, *flood)
        await settle()
        tasks += ask(lane, work, "class x 1", "class y 1", "class x 2")
        work.end_all()
        assert await asyncio.gather(*tasks) == [*flood, "class x 1", "class y 1", "class x 2"]
        assert work.begun == [
            "flood a 1",
            "flood a 2",  # whose turn it was when the class came
            "class x 1",
            "flood b 1",
            "class y 1",
            "flood a 3",
            "class x 2",
            "flood b 2",
            "flood b 3",
        ]

    run(test())


def test_sessions_that_an_address_invents_gain_it_no_turn() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()
        tasks = ask(lane, work, *(f"flood {number} 1" for number in range(50)))
        await settle()
        tasks += ask(lane, work, "other a 1", "other a 2")
        work.end_all()
        await asyncio.gather(*tasks)
        assert max(map(work.begun.index, ("other a 1", "other a 2"))) <= 5

    run(test())


def test_no_more_is_done_at_a_time_than_a_lane_holds_and_none_of_it_is_held_up_by_another_lane() -> None:
    async def test() -> None:
        lane, other, work = Lane(2), Lane(2), Work()
        tasks = ask(lane, work, "one a 1", "one a 2", "one a 3")
        tasks += ask(other, work, "two a 1")
        await settle()
        assert sorted(work.begun) == ["one a 1", "one a 2", "two a 1"]
        work.end_all()
        await asyncio.gather(*tasks)
        assert lane.idle
        assert other.idle

    run(test())


def test_a_hundred_sessions_of_one_address_are_never_refused_also_beside_a_flood() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()
        flood = ask(lane, work, *(f"flood {number} 1" for number in range(3_000)))
        await settle()
        pupils = [f"class {session} {number}" for session in range(100) for number in range(8)]
        asked = ask(lane, work, *pupils)
        await settle()
        work.end_all()
        answered = await asyncio.gather(*flood, *asked, return_exceptions=True)
        assert answered[3_000:] == pupils
        refused = [each for each in answered[:3_000] if isinstance(each, BusyError)]
        assert len(refused) > 900
        assert lane.idle

    run(test())


def test_one_session_may_have_so_much_waiting_and_is_told_what_to_do() -> None:
    async def test() -> None:
        lane, work = Lane(1, most_of_session=2), Work()
        tasks = ask(lane, work, "one a 1", "one a 2", "one a 3", "one a 4", "one b 1")
        await settle()
        work.end_all()
        *answered, refused, other = await asyncio.gather(*tasks, return_exceptions=True)
        assert answered == ["one a 1", "one a 2", "one a 3"]
        assert isinstance(refused, BusyError)
        assert "ask again when some of it has been answered" in str(refused)
        assert other == "one b 1"

    run(test())


def test_the_same_asked_by_many_is_done_once_and_takes_one_place() -> None:
    async def test() -> None:
        lane, work = Lane(2), Work()
        alike = ask(lane, work, "one a 1", key="the same")
        alike += [
            asyncio.create_task(lane.run(Visitor(str(n)), work("never"), key="the same")) for n in range(30)
        ]
        await settle()
        (other,) = ask(lane, work, "two a 1", key="another")
        await settle()
        assert work.begun == ["one a 1", "two a 1"]
        work.end_all()
        assert await asyncio.gather(*alike, other) == ["one a 1"] * 31 + ["two a 1"]

    run(test())


def test_what_waits_for_the_same_in_other_lines_is_answered_with_the_first_of_it() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()
        tasks = ask(lane, work, "flood a 1", "flood a 2", "flood a 3")
        flooding = asyncio.create_task(lane.run(Visitor("flood", "a"), work("never"), key="the same"))
        await settle()
        mine = asyncio.create_task(lane.run(Visitor("other", "b"), work("mine"), key="the same"))
        await settle()
        work.end_all()
        assert [await flooding, await mine] == ["mine", "mine"]
        await asyncio.gather(*tasks)
        assert work.begun.index("mine") <= 2

    run(test())


def test_a_fault_reaches_everybody_who_asked_and_frees_the_place() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()

        async def fail() -> str:
            raise ArithmeticError

        both = [asyncio.create_task(lane.run(Visitor(name), fail, key="the same")) for name in "ab"]
        failed = await asyncio.gather(*both, return_exceptions=True)
        assert [type(each) for each in failed] == [ArithmeticError, ArithmeticError]
        work("one a 1")
        work.end_all()
        assert await lane.run(Visitor("c"), work("one a 1")) == "one a 1"

    run(test())


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()
        first, cancelled, last = ask(lane, work, "one a 1", "one a 2", "one a 3")
        (left,) = ask(lane, work, "two a 1", wanted=lambda: False)
        await settle()
        cancelled.cancel()
        work.end_all()
        assert [await first, await last] == ["one a 1", "one a 3"]
        with pytest.raises(LeftError):
            await left
        assert cancelled.cancelled()
        assert work.begun == ["one a 1", "one a 3"]
        assert lane.idle

    run(test())


def test_what_was_begun_keeps_its_place_until_it_ends_also_where_it_was_cancelled() -> None:
    async def test() -> None:
        lane, work = Lane(1), Work()
        first, second = ask(lane, work, "one a 1", "one a 2")
        await settle()
        first.cancel()
        await settle()
        assert work.begun == ["one a 1"]
        work.end_all()
        assert await second == "one a 2"

    run(test())


def test_panels_let_galleries_go_first_but_not_for_ever() -> None:
    async def test() -> None:
        search, work = Lane(1), Work()
        slow = Lane(1, behind=search, patience=3_600)
        galleries = ask(search, work, "one a 1", "one a 2")
        panels = ask(slow, work, "two a panel")
        await settle()
        work.end("one a 1", "two a panel")
        await settle()
        assert work.begun == ["one a 1", "one a 2"]
        work.end("one a 2")
        await asyncio.gather(*galleries, *panels)
        hasty = Lane(1, behind=search, patience=0.01)
        (held,) = ask(search, work, "one a 3")
        (panel,) = ask(hasty, work, "two a hasty")
        work.end("two a hasty")
        assert await panel == "two a hasty"
        assert not held.done()
        work.end("one a 3")
        await held

    run(test())


# Addresses ------------------------------------------------------------------------------------


def scope(peer: str, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return {"type": "http", "client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("behind", "forwarded", "address"),
    [
        (0, ("6.6.6.6",), "10.0.0.9"),
        (1, (), "10.0.0.9"),
        (1, ("6.6.6.6, 1.2.3.4",), "1.2.3.4"),
        (1, ("6.6.6.6", "1.2.3.4"), "1.2.3.4"),
        (2, ("6.6.6.6, 1.2.3.4, 10.0.0.8",), "1.2.3.4"),
        (2, ("1.2.3.4",), "10.0.0.9"),  # who came past one of the two
        (1, ("1.2.3.4:5678",), "1.2.3.4"),
        (1, ("",), "10.0.0.9"),
    ],
)
def test_forwarded_addresses_are_believed_as_far_as_our_own_proxies_go(
    behind: int, forwarded: tuple[str, ...], address: str
) -> None:
    assert address_of(scope("10.0.0.9", *forwarded), behind) == address


def test_a_house_with_a_network_of_its_own_is_one_address() -> None:
    assert address_of(scope("2001:db8:1:2::1"), 0) == address_of(scope("2001:db8:1:2:ffff::9"), 0)
    assert address_of(scope("2001:db8:1:2::1"), 0) != address_of(scope("2001:db8:1:3::1"), 0)
    assert address_of(scope("::ffff:1.2.3.4"), 0) == "1.2.3.4"
    assert address_of(scope("x", "[2001:db8:1:2::1]:99"), 1) == address_of(scope("2001:db8:1:2::1"), 0)


def test_a_setting_that_is_no_number_of_proxies_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEGVIZ_PROXY", raising=False)
    assert proxies() == 0
    monkeypatch.setenv("NEGVIZ_PROXY", "2")
    assert proxies() == 2
    for wrong in ("0", "yes", "-1", "1.5", "10"):
        monkeypatch.setenv("NEGVIZ_PROXY", wrong)
        with pytest.raises(ProxyError, match="number of proxies"):
            proxies()

"""What is told of a fault: the log, where it happened; the visitor, one sentence; nobody, what was typed.

Messages of exceptions quote their inputs ("invalid literal for int(): ..."), and inputs here are what people
type.  So the log gets the kind of every error and the lines of code it passed, and never a message.
"""

from __future__ import annotations

import copy
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

import gradio as gr
from gradio.block_function import BlockFunction

from negviz.common.errors import NegvizError
from negviz.page.server.lanes import lanes
from negviz.page.server.visitors import Visitor
from negviz.page.server.visits import SESSIONS, PageConfig, Visits

FAULT: Final = "Something went wrong here, which is our fault; ask again, or ask something else."
_BEGUN: Final = 8_192  # events: more than wait in the lanes together
_LONGEST: Final = 100_000  # characters of one question that waits; the longest of the page are fewer
NOT_TAKEN: Final = "What was sent is not what this question takes; send it as the page does."


def log_fault(error: BaseException) -> None:
    """The traceback of an error on stderr, without its message and those of its causes."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    lines = ["negviz: a fault of ours (messages are left out, they may hold what was typed)\n"]
    for each in reversed(chain):
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(each.__traceback__)]
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}\n")
    print("".join(lines), end="", file=sys.stderr, flush=True)


class Page(gr.Blocks):
    """Gradio's blocks, whose errors are one sentence to whoever asked and tell the log nothing of it.

    Gradio begins every event at once, whoever sent it; those of `IN_SEARCH` and `IN_SLOW` then wait in lanes.
    Of visits they keep no more than `visits` says.
    """

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.default_config = PageConfig(self)
        self.api_open = False  # `queue` would set it, and make the server once more
        self.state_session_capacity = SESSIONS
        self.visits = Visits()
        self._may_share = cache(_depends_on_inputs_alone)  # here, for it holds the room that a handler is of

    def queue(self, *args: Any, **given: Any) -> Any:
        self.max_threads = _BEGUN
        super().queue(*args, **given)
        self._queue.pending_messages_per_session = {}  # type: ignore[assignment]  # which `visits` sweeps
        self._queue.progress_update_sleep_when_free = 1.0  # of progress that nothing here tells of
        return self

    async def call_function(
        self,
        block_fn: BlockFunction | int,
        processed_input: list[Any],
        iterator: Any = None,
        requests: Any = None,
        event_id: str | None = None,
        event_data: gr.EventData | None = None,
        *args: Any,
        **given: Any,
    ) -> dict[str, Any]:
        fn = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        call = partial(
            super().call_function,
            fn,
            processed_input,
            iterator,
            requests,
            event_id,
            event_data,
            *args,
            **given,
        )
        lane = lanes().of_event(str(fn.concurrency_id))
        if lane is None:
            given_back: dict[str, Any] = await call()
            return given_back
        told = _as_json([processed_input, event_data and event_data._data])
        if len(told or "") > _LONGEST:
            raise gr.Error(NOT_TAKEN, print_exception=False)
        alike = told is not None and iterator is None and self._may_share(fn.fn)
        event = self._queue.event_ids_to_events.get(event_id or "")
        result: dict[str, Any] = await lane.run(
            _visitor(requests),
            call,
            key=(id(self), fn._id, told) if alike else None,
            wanted=lambda: event is None or event.alive,
        )
        return copy.deepcopy(result) if result["iterator"] is None else result  # gradio takes updates apart

    async def process_api(self, *args: Any, **given: Any) -> dict[str, Any]:
        self.visits.sweep(self._queue)
        try:
            return await super().process_api(*args, **given)
        except gr.Error as error:
            error.print_exception = False
            raise
        except NegvizError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:  # noqa: BLE001  # gradio would print its message
            log_fault(error)
            raise gr.Error(FAULT, print_exception=False) from None
        finally:
            session = given.get("session_hash")
            self.visits.answered(session)
            if session is not None and session == given.get("event_id"):  # of a program that told none
                self.state_holder.session_data.pop(session, None)
                self.state_holder.time_last_used.pop(session, None)

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Gradio names all inputs that it received."""
        if len(inputs) < len(block_fn.inputs):
            sentence = f"{len(inputs)} values were sent where {len(block_fn.inputs)} belong."
            raise gr.Error(sentence, print_exception=False)

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *args: Any, **given: Any
    ) -> list[Any]:
        """What a component makes of a value that no page sends is the sender's fault, not ours."""
        self.validate_inputs(block_fn, inputs)
        try:
            taken: list[Any] = await super().preprocess_data(block_fn, inputs, *args, **given)
            return taken
        except (gr.Error, TypeError, ValueError, LookupError, AttributeError) as error:
            raise gr.Error(NOT_TAKEN, print_exception=False) from error


def _visitor(request: gr.Request | None) -> Visitor:
    """Without a session an event is one of its own: so gradio names those of programs."""
    if request is None:
        return Visitor("")
    address = request.client.host if request.client else ""
    return Visitor(address, request.session_hash) if request.session_hash else Visitor(address)


def _as_json(value: Any) -> str | None:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return None


def _depends_on_inputs_alone(fn: Callable[..., Any]) -> bool:
    """Whether calls with the same inputs may share a result: not what streams, nor what asks who asks."""
    bare = fn.func if isinstance(fn, partial) else fn
    asks = (str(given.annotation) for given in inspect.signature(bare).parameters.values())
    return not inspect.isgeneratorfunction(bare) and not any("Request" in kind for kind in asks)


__all__ = ["FAULT", "NOT_TAKEN", "Page", "log_fault"]

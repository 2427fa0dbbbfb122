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
from collections.abc import Callable, Hashable
from functools import cache, partial
from typing import Any, Final, get_type_hints

import gradio as gr
from gradio.blocks import BlockFunction

from negviz.errors import NegvizError
from negviz.page.lanes import lanes
from negviz.page.visitors import Visitor

FAULT: Final = "Something went wrong here, which is our fault; ask again, or ask something else."
_BEGUN: Final = 8_192  # events: more than wait in the lanes together
_LONGEST: Final = 100_000  # characters of one question that waits; the longest of the page are fewer
NOT_TAKEN: Final = "What was sent is not what this question takes; send it as the page does."


def log_fault(error: BaseException) -> None:
    """The traceback of an error on stderr, without its message and those of its causes."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    lines = ["negviz: a fault of ours (messages are left out, they may hold what was typed)\n"]
    for each in reversed(chain):
        lines += ["Traceback (most recent call last):\n", *traceback.format_tb(each.__traceback__)]
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}\n")
    print("".join(lines), end="", file=sys.stderr, flush=True)


class Page(gr.Blocks):
    """Gradio's blocks, whose errors are one sentence to whoever asked and tell the log nothing of it.

    Gradio begins every event at once, whoever sent it; those of `IN_SEARCH` and `IN_SLOW` then wait in lanes.
    """

    def queue(self, *args: Any, **given: Any) -> Any:
        self.max_threads = _BEGUN
        super().queue(*args, **given)
        self._queue.ANALYTICS_MAX_EVENTS = (
            1  # it keeps 10,000 events and puts them into a table at each error
        )
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
            return await call()
        if sum(len(value) for value in processed_input if isinstance(value, str)) > _LONGEST:
            raise gr.Error(NOT_TAKEN, print_exception=False)
        event = self._queue.event_ids_to_events.get(event_id or "")
        result = await lane.run(
            _visitor(requests),
            call,
            key=None if iterator is not None else self._key(fn, processed_input, event_data),
            wanted=lambda: event is None or event.alive,
        )
        return copy.deepcopy(result) if result["iterator"] is None else result  # gradio takes updates apart

    async def process_api(self, *args: Any, **given: Any) -> dict[str, Any]:
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

    def _key(self, fn: BlockFunction, inputs: list[Any], event_data: gr.EventData | None) -> Hashable:
        """What calls have in common whose results are the same; None where that cannot be told."""
        if not _depends_on_inputs_alone(fn.fn):
            return None
        try:
            return id(self), fn._id, json.dumps([inputs, event_data and event_data._data])
        except (TypeError, ValueError):
            return None

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Gradio names all inputs that it received."""
        if len(inputs) < len(block_fn.inputs):
            sentence = f"{len(inputs)} values were sent where {len(block_fn.inputs)} belong."
            raise gr.Error(sentence, print_exception=False)

    async def preprocess_data(self, *args: Any, **given: Any) -> list[Any]:
        """What a component makes of a value that no page sends is the sender's fault, not ours."""
        try:
            return await super().preprocess_data(*args, **given)
        except (gr.Error, TypeError, ValueError, LookupError, AttributeError) as error:
            raise gr.Error(NOT_TAKEN, print_exception=False) from error


def _visitor(request: gr.Request | None) -> Visitor:
    """Without a session an event is one of its own: so gradio names those of programs."""
    if request is None:
        return Visitor("")
    address = request.client.host if request.client else ""
    return Visitor(address, request.session_hash) if request.session_hash else Visitor(address)


@cache
def _depends_on_inputs_alone(fn: Callable[..., Any]) -> bool:
    bare = fn.func if isinstance(fn, partial) else fn
    return not inspect.isgeneratorfunction(bare) and gr.Request not in get_type_hints(bare).values()


__all__ = ["FAULT", "NOT_TAKEN", "Page", "log_fault"]

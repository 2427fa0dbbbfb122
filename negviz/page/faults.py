"""What is told of a fault: the log, where it happened; the visitor, one sentence; nobody, what was typed.

Messages of exceptions quote their inputs ("invalid literal for int(): ..."), and inputs here are what people
type.  So the log gets the kind of every error and the lines of code it passed, and never a message.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any, Final

import gradio as gr
from gradio.blocks import BlockFunction

from negviz.errors import NegvizError
from negviz.page.visits import SESSIONS, Visits

FAULT: Final = "Something went wrong here, which is our fault; ask again, or ask something else."
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

    Of visits they keep no more than `visits` says.
    """

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.state_session_capacity = SESSIONS
        self.visits = Visits()

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
            self.visits.answered(given.get("session_hash"))

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
            return await super().preprocess_data(block_fn, inputs, *args, **given)
        except (gr.Error, TypeError, ValueError, LookupError, AttributeError) as error:
            raise gr.Error(NOT_TAKEN, print_exception=False) from error


__all__ = ["FAULT", "NOT_TAKEN", "Page", "log_fault"]

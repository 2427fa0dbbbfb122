"""The one root of all errors that are meant for people."""

from __future__ import annotations


class NegvizError(Exception):
    """Something a person can put right; its message is one clear sentence that says what to do.

    Commands, the page and its endpoints show the message of these errors and of no others: whatever else is
    raised is a fault of ours, or of a library, and keeps its traceback.
    """

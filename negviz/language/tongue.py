"""Whether a sentence is English, the one language that is read here.

Words of other languages resemble ours ("kein Pneumothorax"): half of one would be read as its contrary.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
_ENGLISH: Final = frozenset(
    "the is are was of there show find without with and has have not film an any".split()
)
_OTHERS: Final = frozenset(  # words of negation and of findings that no English sentence has
    """
    sin hay ningun ningún ninguna derrame neumotorax neumotórax cardiomegalia fractura nodulo nódulo
    kein keine keinen keiner ohne nicht und erguss pleuraerguss herz lunge lungen rundherd fraktur
    pas aucun aucune avec epanchement épanchement poumon poumons coeur cœur
    senza nessun nessuna versamento polmone polmoni cuore frattura pneumotorace
    sem nao não nenhum nenhuma derrame pulmao pulmão coracao coração
    geen zonder niet vocht longen ingen inga utan ikke uden brak nie bez wysiek
    """.split()
)


def english(text: str) -> bool:
    """Whether `text` may be read: not in another script, nor in words of another language alone."""
    words = _WORD.findall(text.casefold())
    letters = [letter for word in words for letter in word]
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if latin < len(letters) / 2:
        return False
    return _OTHERS.isdisjoint(words) or not _ENGLISH.isdisjoint(words)

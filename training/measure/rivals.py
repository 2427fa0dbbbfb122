"""Ask another negation reader about given words.

    PYTHON training/measure/rivals.py negspacy|medspacy < in > out

Runs in an environment of its own, because these packages pin what negviz does not; so it imports nothing of
ours.  In: a JSON list of `[text, [[start, end], …]]`.  Out: `{"version": …, "polarity": [["present", …], …]}`
with "present", "absent" or "uncertain" for each span, or null where the span fits no token.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

_COMPONENTS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "negspacy": ("negspacy.negation", "negex", {"ent_types": ["FINDING"]}),
    "medspacy": ("medspacy.context", "medspacy_context", {}),
}


def main(name: str) -> None:
    """Read sentences from stdin, write polarities to stdout."""
    pipeline, component = _pipeline(name)
    sentences = json.load(sys.stdin)
    polarity = [_polarities(pipeline, component, text, spans) for text, spans in sentences]
    json.dump({"version": version(name), "polarity": polarity}, sys.stdout)


def _pipeline(name: str) -> tuple[Any, str]:
    if name not in _COMPONENTS:
        raise SystemExit(f"{name} is no reader that can be asked; give negspacy or medspacy.")
    module, component, config = _COMPONENTS[name]
    pipeline: Any = import_module("spacy").blank("en")
    pipeline.add_pipe("sentencizer")
    import_module(module)  # registers the component
    pipeline.add_pipe(component, config=config)
    return pipeline, component


def _polarities(pipeline: Any, component: str, text: str, spans: list[list[int]]) -> list[str | None]:
    document = pipeline.make_doc(text)
    entities = [
        document.char_span(start, end, label="FINDING", alignment_mode="expand") for start, end in spans
    ]
    for name, step in pipeline.pipeline:
        if name == component:
            document.ents = _apart(entities)
        document = step(document)
    found = {(entity.start, entity.end): _polarity(entity) for entity in document.ents}
    return [found.get((entity.start, entity.end)) if entity is not None else None for entity in entities]


def _apart(entities: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for entity in entities:
        if entity is not None and (not kept or entity.start >= kept[-1].end):
            kept.append(entity)
    return kept


def _polarity(entity: Any) -> str:
    if entity._.has("is_negated"):
        if entity._.is_negated:
            return "absent"
        return "uncertain" if entity._.is_uncertain or entity._.is_hypothetical else "present"
    return "absent" if entity._.negex else "present"


if __name__ == "__main__":
    main(sys.argv[1])

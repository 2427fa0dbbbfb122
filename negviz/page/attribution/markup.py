"""Words and heads as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from markupsafe import Markup

from negviz.explain.attribution import Attribution, strengths
from negviz.explain.heads import Attention, HeadEffects
from negviz.language.prompt import Word
from negviz.page.attribution import words
from negviz.page.templates import join, note
from negviz.page.words import column_title

_EMPTY: Final = Markup("")


def panel(inside: Markup) -> Markup:
    """The panel's frame, which keeps its place whatever is in it."""
    return Markup('<section class="nv-words" aria-label="{0}"><h2>{0}</h2>{1}</section>').format(
        words.HEADING, inside
    )


# Words ----------------------------------------------------------------------------------------


def heat(
    given: Mapping[str, Attribution], left_out: Mapping[str, str], *, target: str, opposite: str
) -> Markup:
    """Words down, models across, every bar drawn to one scale; below, a sentence a model that is left out."""
    first = next(iter(given.values()))
    lines = [note(words.TOWARDS[target].format(opposite=opposite)), _table(given, first), _blindness(given)]
    lines += [note(f"{column_title(model)[0]}: {why}") for model, why in left_out.items()]
    lines += [note(words.unread(first.unread))] if first.unread else []
    return panel(join([*lines, note(words.LEFT_OVER_MEANS)]))


def _table(given: Mapping[str, Attribution], first: Attribution) -> Markup:
    columns = list(given.values())
    bars = zip(*strengths(columns), strict=True)
    rows = zip(
        first.words,
        zip(*(a.scores for a in columns), strict=True),
        bars,
        strict=True,
    )
    share = [] if first.cue is None else [_sum(words.share_on(first.cue), [_share(a) for a in columns])]
    return Markup(
        '<div class="nv-scroll" role="region" tabindex="0" aria-label="{}"><table class="nv-heat"><thead><tr>'
        '<th scope="col">{}</th>{}</tr></thead><tbody>{}</tbody><tfoot>{}</tfoot></table></div>'
    ).format(
        words.SCROLLS,
        words.WORD,
        join(Markup('<th scope="col">{}</th>').format(column_title(model)[0]) for model in given),
        join(_row(word, scores, lengths) for word, scores, lengths in rows),
        join([*share, _sum(words.LEFT_OVER, [words.signed(a.delta) for a in columns])]),
    )


def _row(word: Word, scores: Sequence[float], lengths: Sequence[float]) -> Markup:
    cells = join(_cell(score, length) for score, length in zip(scores, lengths, strict=True))
    return Markup('<tr><th scope="row" dir="auto">{}</th>{}</tr>').format(_word(word), cells)


def _word(word: Word) -> Markup:
    if not word.is_cue:
        return Markup("{}").format(word.text)
    return Markup('<u>{}</u> <span class="nv-unseen">{}</span>').format(word.text, words.CUE)


def _cell(score: float, length: float) -> Markup:
    way = "away" if score < 0 else "towards"
    return Markup(
        '<td><span class="nv-value">{}</span>'
        '<span class="nv-bar" aria-hidden="true"><i class="nv-{}" style="--length:{:.3f}"></i></span></td>'
    ).format(words.signed(score), way, length)


def _share(given: Attribution) -> str:
    return "" if given.cue_share is None else words.percent(given.cue_share)


def _sum(name: str, values: Iterable[str]) -> Markup:
    cells = join(Markup("<td>{}</td>").format(value) for value in values)
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, cells)


def _blindness(given: Mapping[str, Attribution]) -> Markup:
    first = next(iter(given.values()))
    shares = [(column_title(m)[0], a.cue_share) for m, a in given.items() if a.cue_share is not None]
    said = words.NO_CUE
    if first.cue is not None and first.even_share is not None:
        said = words.reads_it(first.cue, shares, first.even_share)
    return Markup('<p class="nv-reads-it"><strong>{}</strong> <small>{}</small> {}</p>').format(
        words.READS_IT, words.BLINDNESS, said
    )


# Heads ----------------------------------------------------------------------------------------


def grids(given: Mapping[str, HeadEffects | str]) -> Markup:
    """A grid a model, layers down and heads across; a sentence where a model cannot be looked into."""
    inside = join(_model(model, effects) for model, effects in given.items())
    return Markup('{}<div class="nv-grids">{}</div>').format(note(words.HEADS_MEAN), inside)


def _model(model: str, effects: HeadEffects | str) -> Markup:
    name = column_title(model)[0]
    if isinstance(effects, str):
        return Markup("<section><h3>{}</h3>{}</section>").format(name, note(effects))
    layer, head = effects.strongest
    return Markup(
        '<section><h3>{} <small>{}</small></h3>{}<div class="nv-scroll">{}</div>'
        '<p class="nv-head-says" aria-hidden="true"></p></section>'
    ).format(
        name,
        words.margin(effects.margin),
        note(words.strongest(layer + 1, head + 1, effects.margin, effects.left)),
        _grid(model, name, effects),
    )


def _grid(model: str, name: str, effects: HeadEffects) -> Markup:
    layers, heads = effects.drops.shape
    across = join(Markup('<th scope="col">{}</th>').format(head) for head in range(1, heads + 1))
    down = join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            layer + 1, join(_square(model, name, effects, layer, head) for head in range(heads))
        )
        for layer in range(layers)
    )
    return Markup(
        '<table class="nv-heads" aria-label="{}"><thead><tr><th scope="col">{}</th>{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(f"{words.HEADS} {name}", f"{words.LAYER} \\ {words.HEAD}", across, down)


def _square(model: str, name: str, effects: HeadEffects, layer: int, head: int) -> Markup:
    drop = float(effects.drops[layer, head])
    return Markup(
        '<td><button type="button" class="nv-{}" data-model="{}" data-layer="{}" data-head="{}" '
        'tabindex="{}" aria-label="{}" style="--strength:{:.3f}">{}</button></td>'
    ).format(
        "grows" if drop < 0 else "falls",
        model,
        layer,
        head,
        0 if (layer, head) == effects.strongest else -1,  # one stop for the tab key; arrows go on from there
        words.head_says(name, layer + 1, head + 1, drop),
        float(effects.strengths[layer, head]),
        words.thousandths(drop),
    )


def looks(model: str, layer: int, head: int, given: Attention) -> Markup:
    """What a head looks at: the sentence with its weights, then each word by itself."""
    sentence = join(_looked_at(name, share) for name, share in given.on_average)
    each = join(
        Markup('<tr><th scope="row" dir="auto">{}</th><td>{}</td></tr>').format(
            look.word, join(_looked_at(name, share) for name, share in look.at)
        )
        for look in given.looks()
    )
    return Markup(
        '<section class="nv-looks" role="status"><h3>{0}</h3>'
        '<div class="nv-scroll" role="region" tabindex="0" aria-label="{0}"><table><tbody>'
        '<tr><th scope="row">{1}</th><td>{2}</td></tr>{3}</tbody></table></div></section>'
    ).format(
        words.looks_at(column_title(model)[0], layer + 1, head + 1),
        words.AVERAGE,
        sentence,
        each,
    )


def _looked_at(name: str, share: float) -> Markup:
    return Markup(
        '<span class="nv-look" dir="auto" style="--strength:{:.3f}">{} <small>{}</small></span> '
    ).format(share, name or Markup("<em>{}</em>").format(words.MARKS), words.percent(share))

"""The first step: manifests of both collections, and how far their two sources of labels agree."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from negviz.common.files import file_sha256, write_atomically, write_json
from negviz.common.read_files import read_json
from negviz.films.collection import ASSETS, Collection, Film, open_collection, write_manifest
from negviz.films.openi import Report
from negviz.findings import ABNORMAL
from training.data.films import Known, build_openi, known_findings, nih_films
from training.data.relabelled import CHANGED, JUDGED, NEXT, Relabelled, counted, read_judged, relabelled
from training.paths import RESULTS, FilmsError, Paths


def build_films(paths: Paths, *, to: Path | None = None) -> None:
    """Write the shipped, pixel-free `assets/`; with `to`, collection folders there, images included."""
    source = paths.need_films()
    films, reports, copies = build_openi(source)
    if to is None:
        _record_changes(films, reports)
    _write_collection(to, "openi", films, source)
    if paths.nih is not None:
        external, unknown = nih_films(paths.nih, keep=lambda name: name.startswith("e_"))
        _write_collection(to, "nih", external, paths.nih)
        for name, count in unknown.items():
            tqdm.write(f"NIH label {name!r} is outside the vocabulary ({count} films); ignored.")
    if to is None:
        _write_agreement(films, reports, copies)


def write_next_labels(paths: Paths) -> None:
    """Write the labels that the real films give today where the shipped manifest says otherwise, if any."""
    films, reports, _ = build_openi(paths.need_films())
    changes = relabelled(open_collection("openi").films, films, reports)
    if changes:
        _write_changes(NEXT, changes)
    else:
        NEXT.unlink(missing_ok=True)
    print(f"{len(changes)} labels of {len({change.id for change in changes})} films would change")


def _record_changes(films: Sequence[Film], reports: Mapping[str, Report]) -> None:
    """Keep what the manifest that is about to be written says otherwise than the one before it."""
    changes = relabelled(open_collection("openi").films, films, reports)
    if changes:
        write_json(RESULTS / "labels-changed.json", changed_labels_results(films, reports, changes))
        _write_changes(CHANGED, changes)
    NEXT.unlink(missing_ok=True)


def _write_changes(path: Path, changes: Sequence[Relabelled]) -> None:
    out = StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Relabelled)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, changes))
    write_atomically(path, out.getvalue().encode())


def changed_labels_results(
    films: Sequence[Film], reports: Mapping[str, Report], changes: Sequence[Relabelled]
) -> dict[str, Any]:
    """The changes counted, agreement with NLM's indexing before and after, and what was judged by hand."""
    judged = read_judged()
    before, after = read_json(RESULTS / "labels.json", FilmsError)["agreement"], _agreements(films, reports)
    test = {film.id for film in films if film.split == "test"}
    of_test = Counter(change.finding == "effusion" for change in changes if change.id in test)
    return {
        "what": "labels that films were given otherwise than before, by the words of their reports",
        "labels": len(changes),
        "films": len({change.id for change in changes}),
        "test_films": {"films": len(test), "confirmed": of_test[True], "other_findings": of_test[False]},
        "changes": counted(changes, [one for one in judged if one.draw == "second"]),
        "judged_by_hand": {
            draw: {
                verdict: sum((one.draw, one.verdict) == (draw, verdict) for one in judged)
                for verdict in ("new", "old", "neither")
            }
            for draw in ("first", "second")
        },
        "agreement_with_mesh": {name: {"before": before[name], "after": after[name]} for name in ABNORMAL},
        "data": {"openi": Collection("openi", tuple(films)).hash, JUDGED.name: file_sha256(JUDGED)},
        "command": "python -m training films --films DIR",
    }


def _write_collection(to: Path | None, name: str, films: Sequence[Film], source: Path) -> None:
    if to is None:
        write_manifest(ASSETS / name, films)
        return
    opened, copied = Collection(name, tuple(films), source), []
    for film in tqdm(films, desc=f"copying films of {name}", unit="film"):
        path = opened.image_path(film)
        if path is None:
            continue
        target = to / name / "images" / f"{film.id}{path.suffix.lower()}"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, path.read_bytes())
        copied.append(replace(film, image=target.relative_to(to / name).as_posix()))
    write_manifest(to / name, copied)


def _write_agreement(
    films: Sequence[Film], reports: Mapping[str, Report], copies: Sequence[tuple[str, ...]]
) -> None:
    write_json(
        RESULTS / "labels.json",
        {
            "what": "MeSH headings against the report as our reader reads it, by study",
            "studies": len({film.uid for film in films}),
            "agreement": _agreements(films, reports),
            "duplicates": [list(group) for group in copies],
            "data": {"openi": open_collection("openi").hash},
            "command": "python -m training films --films DIR",
        },
    )


def _agreements(films: Sequence[Film], reports: Mapping[str, Report]) -> dict[str, Any]:
    studies = [known_findings(reports[uid]) for uid in dict.fromkeys(film.uid for film in films)]
    return {name: _agreement([known[name] for known in studies]) for name in ABNORMAL}


def _agreement(known: Sequence[Known]) -> dict[str, Any]:
    """Counts by source, and Cohen's kappa of "MeSH has it" with "the report states it", hedges left out."""
    counts = {
        f"mesh_{'yes' if mesh else 'no'}/read_{read or 'unmentioned'}": sum(
            k.mesh is mesh and k.read == read for k in known
        )
        for mesh in (True, False)
        for read in ("present", "uncertain", "absent", "")
    }
    sure = [(k.mesh, k.read == "present") for k in known if k.read != "uncertain"]
    observed = float(np.mean([a == b for a, b in sure]))
    rates = [float(np.mean(column)) for column in zip(*sure, strict=True)]
    chance = rates[0] * rates[1] + (1 - rates[0]) * (1 - rates[1])
    return {**counts, "observed": observed, "kappa": (observed - chance) / (1 - chance)}

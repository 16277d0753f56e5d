"""Annotations made in Label Studio, read as decisions; ``reporting.formats.label_studio`` writes the tasks they answer.

Both of its exports are read: JSON, with every annotation of a task, and JSON-MIN, with one object an annotation. The
format is described at https://labelstud.io/guide/task_format and https://labelstud.io/guide/export.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from labelscan.correction.decisions import Decision, Verdict
from labelscan.errors import DecisionsError, Problem

LABEL_TAG, VERDICT_TAG, OBJECT_TAG = "label", "verdict", "example"
"""Names of the tags of the labelling interface: the choice of a class, that of a verdict, and what is looked at."""
VERDICT_CHOICES: Mapping[str, Verdict] = {"none of these: drop it": "drop", "cannot tell": "unsure"}
"""Choices that are not a class. They are a tag of their own, since a class may be called anything."""
ID_KEY, GIVEN_KEY, SUGGESTED_KEY = "example_id", "given_label", "suggested_label"
"""Keys of the data of a task."""

Object = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotations:
    """What was decided in Label Studio."""

    decisions: tuple[Decision, ...]
    """One an example: of several the last."""
    n_tasks: int
    """Examples that were to be annotated."""
    n_contradictory: int
    """Those that were decided in several ways."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a reviewer should know before the decisions are believed."""
        n_undecided = self.n_tasks - len(self.decisions)
        notes = []
        if n_undecided:
            verb = "decides" if n_undecided == 1 else "decide"
            notes.append(f"{n_undecided:,} of {self.n_tasks:,} tasks {verb} nothing: not annotated, or skipped")
        if self.n_contradictory:
            verb = "has annotations" if self.n_contradictory == 1 else "have annotations"
            notes.append(
                f"{self.n_contradictory:,} of {self.n_tasks:,} tasks {verb} that contradict each other: the last counts"
            )
        return tuple(notes)


def read_annotations(path: Path) -> Annotations:
    """Return what was decided in Label Studio.

    A chosen class that is the given label keeps it, another relabels. Annotations that were skipped, and those
    without a choice, decide nothing.

    Args:
        path: a JSON or JSON-MIN export.

    Raises:
        DecisionsError: no such file, no export, no annotation, or tasks that are none of ours; up to 20 at once.
    """
    tasks = _tasks(path)
    problems: list[Problem] = []
    latest: dict[str, Decision] = {}
    answers: dict[str, set[tuple[Verdict, str]]] = defaultdict(set)  # by example: the short form repeats a task
    for number, task in enumerate(tasks, start=1):
        where = f"{path.name} task {number}"
        answers[_task_id(task, where)]
        for data, choices, time in _annotations(task):
            decision = _decision(data, choices, time, where)
            if isinstance(decision, Problem):
                problems.append(decision)
            elif decision is not None:
                answers[decision.example_id].add((decision.verdict, decision.new_label))
                before = latest.get(decision.example_id)
                if before is None or decision.time >= before.time:
                    latest[decision.example_id] = decision
    if problems:
        raise DecisionsError.of(problems)
    if not latest:
        raise _nothing_annotated(len(answers), path)
    return Annotations(
        decisions=tuple(latest.values()),
        n_tasks=len(answers),
        n_contradictory=sum(len(given) > 1 for given in answers.values()),
    )


def _tasks(path: Path) -> list[Object]:
    hint = "export the project from Label Studio as JSON or JSON-MIN"
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DecisionsError(f"cannot be read ({error})", where=str(path), hint=hint) from error
    if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
        raise DecisionsError("this is not a list of tasks", where=str(path), hint=hint)
    return content


def _task_id(task: Object, where: str) -> str:
    data = task.get("data")
    return _text((data if isinstance(data, dict) else task).get(ID_KEY)) or where


def _nothing_annotated(n_tasks: int, path: Path) -> DecisionsError:
    return DecisionsError(
        f"none of {n_tasks:,} tasks is annotated" if n_tasks else "there is no task",
        where=str(path),
        hint="submit annotations in Label Studio, which predictions are not, and export the project anew",
    )


def _annotations(task: Object) -> Iterator[tuple[Object, dict[str, list[str]], str]]:
    """Yield the data of a task, what was chosen by tag, and when, for each annotation that was not skipped."""
    data = task.get("data")
    if not isinstance(data, dict):  # JSON-MIN: data and choices side by side
        found = {name: _texts(task.get(name)) for name in (LABEL_TAG, VERDICT_TAG)}
        yield task, found, _text(task.get("updated_at"))
        return
    for annotation in _objects(task.get("annotations")):
        if annotation.get("was_cancelled"):
            continue
        chosen: dict[str, list[str]] = {}
        for result in _objects(annotation.get("result")):
            value = result.get("value")
            if result.get("type") == "choices" and isinstance(value, dict):
                # In an interface of somebody's own the choice of a class may be called anything.
                tag = VERDICT_TAG if result.get("from_name") == VERDICT_TAG else LABEL_TAG
                chosen.setdefault(tag, []).extend(_texts(value))
        yield data, chosen, _text(annotation.get("updated_at"))


def _decision(data: Object, chosen: Mapping[str, list[str]], time: str, where: str) -> Decision | Problem | None:
    labels, verdicts = (chosen.get(tag, []) for tag in (LABEL_TAG, VERDICT_TAG))
    example_id, given_label = data.get(ID_KEY), data.get(GIVEN_KEY)
    if not isinstance(example_id, str) or not isinstance(given_label, str):
        hint = "only tasks written by labelscan report --format label-studio=FILE can be read back"
        return Problem(f"the task has no {ID_KEY} and {GIVEN_KEY}", where, hint)
    if len(set(labels)) > 1:
        return Problem(f"{len(set(labels))} labels were chosen for {example_id!r}", where, "choose one")
    verdict: Verdict
    if verdicts:
        if verdicts[0] not in VERDICT_CHOICES:
            return Problem(f"{verdicts[0]!r} is not a verdict", where, f"choose {' or '.join(VERDICT_CHOICES)}")
        verdict = VERDICT_CHOICES[verdicts[0]]
    elif labels:
        verdict = "keep" if labels[0] == given_label else "relabel"
    else:
        return None
    return Decision(
        example_id=example_id,
        verdict=verdict,
        new_label=labels[0] if verdict == "relabel" else "",
        time=time,
        given_label=given_label,
    )


def _texts(value: object) -> list[str]:
    """Return choices, which are a text, a list, or an object with the key ``choices``."""
    if isinstance(value, dict):
        return _texts(value.get("choices"))
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) and value else []


def _objects(value: object) -> list[Object]:
    return [cast(Object, one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

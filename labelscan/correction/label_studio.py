"""Annotations made in Label Studio, read as decisions; ``reporting.formats.label_studio`` writes the tasks they answer.

Both of its exports can be read: JSON has all annotations of a task, JSON-MIN one object an annotation. They are
described at https://labelstud.io/guide/task_format and https://labelstud.io/guide/export.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from labelscan.correction.decisions import Decision, Verdict
from labelscan.errors import DecisionsError, Problem
from labelscan.files.reading import CANNOT_READ, parse_json, read_text, why

LABEL_TAG, VERDICT_TAG, OBJECT_TAG = "label", "verdict", "example"
"""Tags of the labelling interface: the choice of a class, the choice of a verdict, and the example."""
VERDICT_CHOICES: Mapping[str, Verdict] = {"none of these: drop it": "drop", "cannot tell": "unsure"}
"""Choices that are not a class. They have their own tag, since a class may have any name."""
ID_KEY, GIVEN_KEY, SUGGESTED_KEY = "example_id", "given_label", "suggested_label"
"""Keys of the data in a task."""

Object = dict[str, object]


def read_annotations(path: Path) -> tuple[tuple[Decision, ...], tuple[str, ...]]:
    """Return the last decision on each example of a JSON or JSON-MIN export, and what a reviewer should know of them.

    Choosing the given label keeps it, choosing another relabels. Annotations that were skipped, or have no choice,
    decide nothing.

    Raises:
        DecisionsError: no such file, not an export, no annotation, or tasks that are not ours; up to 20 problems at
            once.
    """
    tasks = _tasks(path)
    problems: list[Problem] = []
    latest: dict[str, Decision] = {}
    answers: dict[str, set[tuple[Verdict, str]]] = defaultdict(set)  # by example: the short form repeats a task
    for number, task in enumerate(tasks, start=1):
        where = f"{path.name} task {number}"
        content = task.get("data")
        answers[_text((content if isinstance(content, dict) else task).get(ID_KEY)) or where]
        for data, choices, time in _annotations(task):
            decision = _decision(data, choices, time, where)
            if isinstance(decision, Problem):
                problems.append(decision)
            elif decision is not None:
                answers[decision.example_id].add((decision.verdict, decision.new_label))
                before = latest.get(decision.example_id)
                if before is None or decision.time >= before.time:
                    latest[decision.example_id] = decision
    DecisionsError.refuse(problems, lambda problem: problem)
    if not latest:
        raise DecisionsError(
            "no-annotations",
            f"none of {len(answers):,} tasks is annotated" if answers else "there is no task",
            where=str(path),
            hint="submit annotations in Label Studio (predictions are not enough) and export the project again",
        )
    notes = []
    if n_undecided := len(answers) - len(latest):
        verb = "decides" if n_undecided == 1 else "decide"
        notes.append(f"{n_undecided:,} of {len(answers):,} tasks {verb} nothing: not annotated, or skipped")
    if n_contradictory := sum(len(given) > 1 for given in answers.values()):
        verb = "has annotations" if n_contradictory == 1 else "have annotations"
        notes.append(
            f"{n_contradictory:,} of {len(answers):,} tasks {verb} that contradict each other: the last counts"
        )
    return tuple(latest.values()), tuple(notes)


def _tasks(path: Path) -> list[Object]:
    hint = "export the project from Label Studio as JSON or JSON-MIN"
    try:
        content = parse_json(read_text(path))
    except CANNOT_READ as error:
        raise DecisionsError("unreadable", f"cannot be read ({why(error)})", where=str(path), hint=hint) from error
    if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
        raise DecisionsError("not-decisions", "this is not a list of tasks", where=str(path), hint=hint)
    return content


def _annotations(task: Object) -> Iterator[tuple[Object, dict[str, list[str]], str]]:
    """Yield the data, the choices by tag and the time of each annotation of a task that was not skipped."""
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
                # In a custom interface the choice of a class may have any name.
                tag = VERDICT_TAG if result.get("from_name") == VERDICT_TAG else LABEL_TAG
                chosen.setdefault(tag, []).extend(_texts(value))
        yield data, chosen, _text(annotation.get("updated_at"))


def _decision(data: Object, chosen: Mapping[str, list[str]], time: str, where: str) -> Decision | Problem | None:
    labels, verdicts = (chosen.get(tag, []) for tag in (LABEL_TAG, VERDICT_TAG))
    example_id, given_label = data.get(ID_KEY), data.get(GIVEN_KEY)
    if not isinstance(example_id, str) or not isinstance(given_label, str):
        hint = "only tasks written by labelscan report --format label-studio=FILE can be read back"
        return Problem("not-a-decision", f"the task has no {ID_KEY} and {GIVEN_KEY}", where, hint)
    if len(set(labels)) > 1:
        problem = f"{len(set(labels))} labels were chosen for {example_id!r}"
        return Problem("several-labels", problem, where, "choose one")
    verdict: Verdict
    if verdicts:
        if verdicts[0] not in VERDICT_CHOICES:
            problem, hint = f"{verdicts[0]!r} is not a verdict", f"choose {' or '.join(VERDICT_CHOICES)}"
            return Problem("not-a-decision", problem, where, hint)
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
    """Return the choices in a text, a list, or an object with the key ``choices``."""
    if isinstance(value, dict):
        return _texts(value.get("choices"))
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) and value else []


def _objects(value: object) -> list[Object]:
    return [cast(Object, one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

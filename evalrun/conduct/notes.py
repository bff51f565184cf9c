"""What a run's reader must know about its models and endpoints, before anything is sent."""

from __future__ import annotations

from evalrun.prices import model_note
from evalrun.records.plan import Plan, pairs_of


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """A sentence for every endpoint in use that is trusted blindly."""
    used = sorted({model.provider for model in plan.suite.models})
    return tuple(
        f"provider {name}: insecure: true, so nobody checks who answers; anyone in between can read the key "
        "and change the answers"
        for name in used
        if plan.suite.providers[name].insecure
    )


def model_notes(plan: Plan) -> tuple[str, ...]:
    """A sentence for every model whose name is not among those that are known of its provider."""
    found = (model_note(model.provider, model.name) for model in plan.suite.models if model.recorded is None)
    return tuple(dict.fromkeys(note for note in found if note))


def stopping_notes(plan: Plan) -> tuple[str, ...]:
    """A sentence on what the suite's ``stop_when`` may save; none where it has none."""
    when = plan.suite.stop_when
    if when is None:
        return ()
    pairs = pairs_of(when.decided, plan.columns)
    if not pairs:
        return (f"stop_when: fewer than two of {', '.join(when.decided)} are asked, so nothing is compared",)
    *labels, last = dict.fromkeys(plan.columns[column].label for pair in pairs for column in pair)
    asked = f"{', '.join(labels)} and {last} are asked only until it is known which is better"
    return (f"this is the most that will be sent: {asked} (stop_when)",)

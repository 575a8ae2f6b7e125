"""The committed audit: every declaration of this version is met, and all metrics are in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fevbench.audit import damages as _  # noqa: F401 - registers them
from fevbench.audit.damages import damages
from fevbench.audit.record import AUDIT_FILE, Audit, Responses, check_declarations, read_audit
from fevbench.metrics.catalog import metrics

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def audit() -> Audit:
    return read_audit(ROOT / "leaderboard" / "results" / "fevsynth-1.0" / AUDIT_FILE)


def test_all_metrics_were_audited_by_all_damages(audit: Audit) -> None:
    assert list(audit.damages) == list(damages)
    for name, record in audit.damages.items():
        assert (record.title, tuple(record.steps)) == (damages.get(name).title, damages.get(name).steps)
    missing = {name for name in metrics if metrics.get(name).selected_by == "default"} - set(audit.ids)
    assert not missing
    for name, id_ in audit.ids.items():
        declared = metrics.get(name).for_protocol(audit.protocol).id
        assert id_.partition("@")[0].startswith(declared.partition("@")[0]), name
        assert id_.partition("@")[2] == declared.partition("@")[2], name


def test_every_declaration_of_today_is_met_by_the_measured_steps(audit: Audit) -> None:
    """Judged anew: a declaration that is added later is held to the same measurement."""
    verdicts = check_declarations(Responses(audit.steps), {name: metrics.get(name) for name in audit.ids})
    assert len(verdicts) >= len(audit.ids)
    assert [verdict for verdict in verdicts if not verdict.kept] == []
    assert verdicts == audit.verdicts

"""cdk-nag's AwsSolutions rules hold, or are acknowledged in `cdk/` with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cdk.assembly import Synthesize

pytestmark = pytest.mark.xdist_group("cdk")


def _add_rules(app: Any) -> None:
    # Imported here, because it starts Node.
    from aws_cdk import Validations  # noqa: PLC0415
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415

    Validations.of(app).add_plugins(AwsSolutionsChecks(app))


@pytest.mark.parametrize("stage", ["small", "scale"])
def test_rules_hold_or_are_acknowledged(synthesize: Synthesize, stage: str) -> None:
    synthesize(check=_add_rules, stage=stage)  # raises, and prints what it found


def test_every_acknowledgement_answers_a_finding_with_a_reason(
    synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason_by_rule: dict[str, str] = {}
    folders: list[Path] = []

    class Recorder:
        """Takes the acknowledgements instead of CDK, so that every finding is reported."""

        @classmethod
        def of(cls, _scope: Any) -> type["Recorder"]:
            return cls

        @classmethod
        def acknowledge(cls, rule: Any) -> None:
            reason_by_rule[rule.id] = rule.reason

    def check(app: Any) -> None:
        folders.append(Path(app.outdir))
        _add_rules(app)

    monkeypatch.setattr("cdk.acknowledge.Validations", Recorder)
    for stage in ("small", "scale"):
        with pytest.raises(RuntimeError, match="ValidationFailed"):
            synthesize(check=check, stage=stage)

    assert set(reason_by_rule) == {rule for folder in folders for rule in _findings(folder)}
    assert all(len(reason.split()) >= 5 for reason in reason_by_rule.values())


def _findings(folder: Path) -> set[str]:
    report = json.loads((folder / "validation-report.json").read_text())
    return {
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
    }

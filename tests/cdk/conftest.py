from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cdk.assembly import Assembly, Synthesize


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize into a folder of its own: `synthesize(stage="scale")`.

    CDK is imported here and not above, so that only the worker that needs it starts Node.
    """
    with pytest.MonkeyPatch.context() as patch:
        # Takes most of the time; `make synth` has it on.
        patch.setenv("CDK_VALIDATION", "false")
        from cdk.application import build_app  # noqa: PLC0415

    def run(*, check: Callable[[Any], None] | None = None, **context: str) -> Assembly:
        folder: Path = tmp_path_factory.mktemp("cdk.out")
        app = build_app(str(folder), context)
        if check:
            check(app)
        app.synth()
        return Assembly(folder)

    return run


@pytest.fixture(scope="session")
def small(synthesize: Synthesize) -> Assembly:
    return synthesize()


@pytest.fixture(scope="session")
def scale(synthesize: Synthesize) -> Assembly:
    return synthesize(stage="scale")

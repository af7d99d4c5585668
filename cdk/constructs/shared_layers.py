from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

LAYERS = Path(__file__).resolve().parents[2] / "layers"
RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


def dependencies_are_built() -> bool:
    """Tell whether `make layer` has run; without it functions would miss their dependencies."""
    return (LAYERS / "dependencies" / "python").is_dir()


class SharedLayers(Construct):
    """The two layers of every function: our shared package, and what it depends on.

    Each stack with functions has its own, because CloudFormation cannot replace a layer version
    whose address another stack imports.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.all = [
            self._layer("Dependencies", "dependencies", ["/*", "!/python", "__pycache__"]),
            self._layer("Common", "common", ["__pycache__", "*.egg-info"]),
        ]

    def _layer(self, id_: str, folder: str, exclude: list[str]) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            id_,
            description=f"ctv-ads {folder}",
            code=lambda_.Code.from_asset(
                str(LAYERS / folder), exclude=exclude, ignore_mode=IgnoreMode.GIT
            ),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )

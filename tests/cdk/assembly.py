"""Reads synthesized templates as plain JSON, and follows references between them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HASH_OF_LOGICAL_ID = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource of a template; `name` is its construct path without CDK's hash."""

    stack: str
    logical_id: str
    kind: str
    properties: Mapping[str, Any]
    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        return HASH_OF_LOGICAL_ID.sub("", self.logical_id)


class Assembly:
    """The templates of one `cdk.out`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.templates: dict[str, dict[str, Any]] = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(folder.glob("*.template.json"))
        }
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in self.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }
        self._resources = {
            (stack, logical_id): Resource(
                stack, logical_id, body["Type"], body.get("Properties", {}), body
            )
            for stack, template in self.templates.items()
            for logical_id, body in template["Resources"].items()
        }

    def resources(self, kind: str) -> list[Resource]:
        return [item for item in self._resources.values() if item.kind == kind]

    def environments(self) -> dict[str, str]:
        """Return the account and region of each stack."""
        return {
            name: artifact["environment"]
            for name, artifact in self._artifacts().items()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    def dependencies(self, stack: str) -> set[str]:
        """Return the stacks that are deployed before `stack`."""
        return set(self._artifacts()[stack]["dependencies"])

    def _artifacts(self) -> dict[str, Any]:
        manifest = json.loads((self.folder / "manifest.json").read_text())
        return manifest["artifacts"]

    def only(self, kind: str) -> Resource:
        (resource,) = self.resources(kind)
        return resource

    def target(self, stack: str, reference: Any) -> Resource:
        """Return the resource to which a Ref, GetAtt or ImportValue in `stack` leads."""
        found = list(self._referred(stack, reference))
        assert len(found) == 1, reference
        return found[0]

    def text(self, stack: str, value: Any) -> str:
        """Write a value down, with each reference as the name of its resource."""
        if isinstance(value, str):
            return value
        if "Fn::Join" in value:
            separator, parts = value["Fn::Join"]
            return str(separator).join(self.text(stack, part) for part in parts)
        if str(value.get("Ref", "")).startswith("AWS::"):
            return str(value["Ref"])
        return self.target(stack, value).name

    def _referred(self, stack: str, value: Any) -> Iterator[Resource]:
        if isinstance(value, list):
            for item in value:
                yield from self._referred(stack, item)
        elif isinstance(value, dict):
            for key, content in value.items():
                yield from self._followed(stack, key, content)

    def _followed(self, stack: str, key: str, content: Any) -> Iterator[Resource]:
        match key:
            case "Ref" if content.startswith("AWS::"):
                return
            case "Ref":
                yield self._resources[stack, content]
            case "Fn::GetAtt":
                yield self._resources[stack, content[0]]
            case "Fn::ImportValue":
                yield from self._referred(*self._exports[content])
            case _:
                yield from self._referred(stack, content)


Synthesize = Callable[..., Assembly]
"""Synthesizes with the given context: `synthesize(stage="scale")`."""

"""What a creative is made of: a video to be uploaded, or a third party's VAST tag."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from ctv_ads.domain.creative import CreativeKind
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.use_cases.creatives import AnnouncedFile
from ctv_ads.web.fields import Body, Name, WebAddress

ContentType = Annotated[str, Field(max_length=100, examples=["video/mp4"])]
SizeBytes = Annotated[int, Field(strict=True, gt=0, le=2**53, description="Exact size of the file")]
InParts = Annotated[
    bool, Field(strict=True, description="Send the file in parts; big files are in any case")
]

_FILE_FIELDS = ("filename", "content_type", "size_bytes")
_A_VIDEO: JsonDict = {
    "required": ["filename", "content_type", "size_bytes"],
    "properties": {"kind": {"const": "video"}, "tag_url": False},
}
_A_TAG: JsonDict = {
    "required": ["kind", "tag_url"],
    "properties": {
        "kind": {"const": "vast_tag"},
        "multipart": {"const": False},
        "filename": False,
        "content_type": False,
        "size_bytes": False,
    },
}


class Contents(Body):
    """A video says what the file is, before it is sent; a tag says its address."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_A_VIDEO, _A_TAG]})

    kind: CreativeKind = CreativeKind.VIDEO
    filename: Name = ""
    content_type: ContentType = ""
    size_bytes: SizeBytes = 0
    multipart: InParts = False
    tag_url: WebAddress = ""

    @property
    def is_tag(self) -> bool:
        """Whether it is a third party's VAST tag."""
        return self.kind is CreativeKind.VAST_TAG

    def refuse_other_kind(self) -> None:
        """Let the call go on only if the fields are those of the kind.

        Raises:
            InvalidRequestError: a field of its kind is missing, or one of the other is there.
        """
        wanted = ("tag_url",) if self.is_tag else _FILE_FIELDS
        given = self.model_fields_set
        message = f"a {self.kind} needs it"
        problems = [FieldProblem(n, "missing", message) for n in wanted if n not in given]
        message = f"a {self.kind} has none"
        unwanted = {"tag_url", *_FILE_FIELDS} - set(wanted)
        if self.is_tag and self.multipart:
            unwanted.add("multipart")
        problems += [FieldProblem(n, "not_of_this_kind", message) for n in sorted(unwanted & given)]
        if problems:
            raise InvalidRequestError("the fields do not fit the kind", problems)


class NewRendition(Body):
    """Another file of the same film, before it is sent."""

    filename: Name
    content_type: ContentType
    size_bytes: SizeBytes
    multipart: InParts = False

    def announced(self) -> AnnouncedFile:
        """Return the file in the use case's terms."""
        return AnnouncedFile(self.filename, self.content_type, self.size_bytes, self.multipart)


class Replacement(Contents):
    """What takes a creative's place: a file, or a third party's VAST tag."""

    def announced(self) -> AnnouncedFile | str:
        """Return the file, or the address of the tag.

        Raises:
            InvalidRequestError: a field of its kind is missing, or one of the other is there.
        """
        self.refuse_other_kind()
        if self.is_tag:
            return self.tag_url
        return AnnouncedFile(self.filename, self.content_type, self.size_bytes, self.multipart)

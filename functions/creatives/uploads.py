"""How the creatives API takes files: by one form, or in parts."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from ctv_ads.ports.uploads import MultipartUpload, SentPart, UploadForm, UploadPart
from ctv_ads.web.fields import Body


class SentPartBody(Body):
    """A part that has arrived."""

    part_number: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    etag: Annotated[
        str,
        StringConstraints(max_length=200, pattern=r'^"?[!#-~]+"?$'),
        Field(description="As S3 answered the part's PUT"),
    ]


_UploadIdText = StringConstraints(min_length=1, max_length=1024, pattern=r"^[!-~]+$")
UploadId = Annotated[str, _UploadIdText]


class CompletedParts(Body):
    """The parts of a file, all of them, in order."""

    upload_id: UploadId
    parts: Annotated[list[SentPartBody], Field(min_length=1, max_length=10_000)]

    def sent(self) -> list[SentPart]:
        """Return the parts in the port's terms."""
        return [SentPart(part.part_number, part.etag) for part in self.parts]


class FormView(BaseModel):
    """How to send the file: POST `fields`, then the file as field `file`, to `url`."""

    kind: Literal["form"] = "form"
    url: str
    fields: dict[str, str]


class MultipartView(BaseModel):
    """How to send the file: PUT each part to its address, then complete the upload.

    Parts are `part_size_bytes` long, the last one is what is left.
    """

    kind: Literal["multipart"] = "multipart"
    upload_id: str
    part_size_bytes: int
    parts: list[UploadPart]


UploadView = Annotated[FormView | MultipartView, Field(discriminator="kind")]


def upload_view(upload: UploadForm | MultipartUpload) -> FormView | MultipartView:
    """Return what the API tells of how to send a file."""
    if isinstance(upload, UploadForm):
        return FormView(url=upload.url, fields=dict(upload.fields))
    return MultipartView(
        upload_id=upload.upload_id,
        part_size_bytes=upload.part_size_bytes,
        parts=list(upload.parts),
    )

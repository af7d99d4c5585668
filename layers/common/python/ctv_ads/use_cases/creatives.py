"""Register creatives, presign their uploads, replace, preview, change and delete them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.creative import (
    MAX_RENDITIONS,
    Creative,
    CreativeDraft,
    CreativeKind,
    CreativeStatus,
    TagDraft,
    upload_key,
)
from ctv_ads.domain.ids import CreativeId
from ctv_ads.errors import ConflictError, FieldProblem
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.control_plane import Store, Stores
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.ports.uploads import MultipartUpload, SentPart, UploadForm
from ctv_ads.ports.vast_tags import TagCheck, TagChecks
from ctv_ads.use_cases.permission import require
from ctv_ads.use_cases.uploads import Uploads

_CHECKABLE = frozenset({CreativeStatus.REJECTED, CreativeStatus.VALIDATING})
PREVIEW_LIFETIME = timedelta(minutes=15)

NewUpload = tuple[Creative, UploadForm | MultipartUpload]
"""A creative that waits for its file, and how to send that."""


@dataclass(frozen=True, slots=True)
class AnnouncedFile:
    """What a file is, before it is sent."""

    filename: str
    content_type: str
    size_bytes: int
    in_parts: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """Where a creative can be looked at, until when if not for good."""

    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TraffickCreatives:
    """What people do with creatives."""

    stores: Stores
    uploads: Uploads
    tag_checks: TagChecks
    inventory_changes: InventoryChanges
    clock: Clock
    new_id: NewId

    def register(
        self, caller: Caller, draft: CreativeDraft, *, in_parts: bool = False
    ) -> NewUpload:
        """Store a creative that waits for its file, and return how to send it.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the declared type or size cannot become a creative.
            NotFoundError: there is no such campaign.
        """
        require(caller, Action.TRAFFIC)
        self.uploads.refuse_unfit(draft)
        creative_id = CreativeId(self.new_id())
        with self.stores.transaction(caller) as store:
            store.campaigns.get(draft.campaign_id)
            creative = store.creatives.add(draft, creative_id, caller)
            return creative, self.uploads.begin(creative_id, draft, in_parts=in_parts)

    def register_tag(self, caller: Caller, draft: TagDraft) -> Creative:
        """Store a third party's VAST tag and have it checked.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such campaign.
        """
        require(caller, Action.TRAFFIC)
        creative_id = CreativeId(self.new_id())
        with self.stores.transaction(caller) as store:
            store.campaigns.get(draft.campaign_id)
            creative = store.creatives.add_tag(draft, creative_id, caller)
            # Inside the transaction: a tag that nobody checks would wait for ever.
            self.tag_checks.ask(TagCheck(creative_id, draft.tag_url))
        return creative

    def check_again(self, caller: Caller, creative_id: CreativeId) -> Creative:
        """Have a tag checked once more that was rejected, or whose check has not come back.

        Raises:
            ConflictError: it is no tag, or ready or archived.
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            creative = store.creatives.get(creative_id, for_update=True)
            if creative.tag_url is None or creative.status not in _CHECKABLE:
                message = "only a VAST tag that is rejected or being checked can be checked again"
                raise ConflictError(message, [FieldProblem("status", "not_checkable", message)])
            store.creatives.check_again(creative_id, self.clock())
            self.tag_checks.ask(TagCheck(creative_id, creative.tag_url))
            return store.creatives.get(creative_id)

    def replace_by_tag(self, caller: Caller, creative_id: CreativeId, tag_url: str) -> Creative:
        """Register a tag in an old creative's place: it takes over once it is ready.

        Raises:
            ConflictError: the creative is archived.
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            old = _replaceable(store, creative_id)
            draft = TagDraft(old.campaign_id, tag_url, old.soft_fields, replaces=creative_id)
            return self.register_tag(caller, draft)

    def replace(self, caller: Caller, creative_id: CreativeId, file: AnnouncedFile) -> NewUpload:
        """Register a file in an old creative's place: it takes over once it is ready.

        Raises:
            ConflictError: the creative is archived.
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the declared type or size cannot become a creative.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            old = _replaceable(store, creative_id)
            draft = CreativeDraft(
                campaign_id=old.campaign_id,
                filename=file.filename,
                content_type=file.content_type,
                size_bytes=file.size_bytes,
                replaces=creative_id,
                **{name: getattr(old, name) for name in asdict(old.soft_fields)},
            )
            return self.register(caller, draft, in_parts=file.in_parts)

    def add_rendition(
        self, caller: Caller, creative_id: CreativeId, file: AnnouncedFile
    ) -> NewUpload:
        """Register another file of a creative's film, offered beside it once it is ready.

        Raises:
            ConflictError: the creative is no ready video of its own, or has too many already.
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the declared type or size cannot become a creative.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            film = store.creatives.get(creative_id, for_update=True)
            _refuse_renditions(film, store.creatives.count_renditions(creative_id))
            draft = CreativeDraft(
                campaign_id=film.campaign_id,
                name=film.name,
                filename=file.filename,
                content_type=file.content_type,
                size_bytes=file.size_bytes,
                click_through_url=None,
                rendition_of=creative_id,
            )
            return self.register(caller, draft, in_parts=file.in_parts)

    def complete_multipart(
        self, caller: Caller, creative_id: CreativeId, upload_id: str, parts: Sequence[SentPart]
    ) -> Creative:
        """Put the parts of a file together; its validation starts by itself.

        Raises:
            ConflictError: the creative does not wait for a file, or there is no such upload.
            ForbiddenError: the caller's role may not traffic.
            InvalidRequestError: the parts are not those that were sent.
            NotFoundError: there is no such creative.
        """
        creative = self._awaiting_file(caller, creative_id)
        self.uploads.multipart.complete(upload_key(creative_id), upload_id, parts)
        return creative

    def abort_multipart(self, caller: Caller, creative_id: CreativeId, upload_id: str) -> None:
        """Drop the parts of a file that will not be completed.

        Raises:
            ConflictError: the creative does not wait for a file.
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such creative.
        """
        self._awaiting_file(caller, creative_id)
        self.uploads.multipart.abort(upload_key(creative_id), upload_id)

    def preview(self, caller: Caller, creative_id: CreativeId, media_base_url: str) -> Preview:
        """Return where the creative can be looked at.

        Raises:
            ConflictError: its file has not arrived, or is gone, or its tag was not fit.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.READ)
        with self.stores.transaction(caller) as store:
            creative = store.creatives.get(creative_id)
        if creative.media_key is not None:
            return Preview(f"{media_base_url}/{creative.media_key}", None)
        if creative.tag_facts is not None:
            return Preview(creative.tag_facts.media_url, None)
        url = creative.content_type and self.uploads.forms.preview(
            upload_key(creative_id),
            content_type=creative.content_type,
            lifetime_s=int(PREVIEW_LIFETIME.total_seconds()),
        )
        if not url:
            message = "there is no file to look at"
            raise ConflictError(message, [FieldProblem("status", "no_file", message)])
        return Preview(url, self.clock() + PREVIEW_LIFETIME)

    def change(
        self,
        caller: Caller,
        creative_id: CreativeId,
        changes: Mapping[str, Any],
        *,
        check_version: Callable[[int], None],
    ) -> Creative:
        """Change soft fields by name; `status` can only become archived.

        `check_version` gets the version in force and raises if it is not the one wanted.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            creative = store.creatives.get(creative_id, for_update=True)
            check_version(creative.version)
            wanted = dict(changes)
            status = CreativeStatus(wanted.pop("status", creative.status))
            soft = replace(creative.soft_fields, **wanted)
            if (soft, status) == (creative.soft_fields, creative.status):
                return creative
            store.creatives.change(creative_id, soft, status, self.clock())
            changed = store.creatives.get(creative_id)
        self.inventory_changes.announce(f"creative {creative_id} was changed")
        return changed

    def delete(self, caller: Caller, creative_id: CreativeId) -> None:
        """Take the creative out of sight and out of serving.

        Raises:
            ForbiddenError: the caller's role may not traffic.
            NotFoundError: there is no such creative.
        """
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            store.creatives.get(creative_id)
            store.creatives.delete(creative_id, self.clock())
        self.inventory_changes.announce(f"creative {creative_id} is deleted")

    def _awaiting_file(self, caller: Caller, creative_id: CreativeId) -> Creative:
        require(caller, Action.TRAFFIC)
        with self.stores.transaction(caller) as store:
            creative = store.creatives.get(creative_id)
        if creative.kind is not CreativeKind.VIDEO or creative.status != CreativeStatus.UPLOADING:
            message = f"the creative waits for no file; it is {creative.status}"
            raise ConflictError(message, [FieldProblem("status", "not_uploading", message)])
        return creative


def _replaceable(store: Store, creative_id: CreativeId) -> Creative:
    old = store.creatives.get(creative_id)
    if old.status is CreativeStatus.ARCHIVED or old.rendition_of is not None:
        message = "an archived creative or a rendition cannot be replaced"
        raise ConflictError(message, [FieldProblem("status", "not_replaceable", message)])
    return old


def _refuse_renditions(film: Creative, renditions: int) -> None:
    is_own_file = film.kind is CreativeKind.VIDEO and film.rendition_of is None
    if not is_own_file or film.status is not CreativeStatus.READY:
        message = "only a video that is ready, and no rendition itself, has renditions"
        raise ConflictError(message, [FieldProblem("status", "no_renditions", message)])
    if renditions >= MAX_RENDITIONS:
        message = f"a creative has at most {MAX_RENDITIONS} renditions"
        raise ConflictError(message, [FieldProblem("renditions", "too_many", message)])

"""The ad that the tests upload, and what is true of it because of how it was made."""

import hashlib
from dataclasses import dataclass, replace

from tests.media import AAC, FAST_START, media_file

_H264_MAIN = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
_LEVEL_3_1 = ("-profile:v", "main", "-level", "3.1")


@dataclass(frozen=True, slots=True)
class Video:
    """A file to upload, and the facts that the server must find in it."""

    content: bytes
    duration_ms: int = 2000
    width_px: int = 640
    height_px: int = 360
    frame_rate_milli: int = 30_000
    video_codec: str = "avc1.4D401F"
    audio_codec: str = "mp4a.40.2"
    content_type: str = "video/mp4"
    filename: str = "ad.mp4"

    @property
    def sha256(self) -> str:
        """The digest that the server must find too."""
        return hashlib.sha256(self.content).hexdigest()

    def with_content(self, content: bytes) -> "Video":
        """Return the same declaration of other bytes."""
        return replace(self, content=content)


def another(video: Video, number: int) -> Video:
    """Return the same film with a box behind it that nobody reads: another file, another media."""
    return video.with_content(video.content + (12).to_bytes(4) + b"free" + number.to_bytes(4))


def make_video() -> Video:
    """Return an MP4 as advertisers deliver it: H.264 Main at level 3.1, AAC, index first."""
    options = ("-map", "0:v", "-map", "1:a", *_H264_MAIN, *_LEVEL_3_1, *AAC, *FAST_START)
    path = media_file("end-to-end.mp4", *options, seconds=2, size="640x360", rate="30")
    return Video(path.read_bytes())


def make_small_video(*, seconds: int) -> Video:
    """Return the same picture in 320x180, so long."""
    options = ("-map", "0:v", "-map", "1:a", *_H264_MAIN, *_LEVEL_3_1, *AAC, *FAST_START)
    name = f"end-to-end-small-{seconds}.mp4"
    path = media_file(name, *options, seconds=seconds, size="320x180", rate="30")
    return Video(path.read_bytes(), 1000 * seconds, width_px=320, height_px=180)

"""Real video files, made by ffmpeg once per session, and files that only pretend to be one."""

import hashlib
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg


@dataclass(frozen=True, slots=True)
class Video:
    """A file to upload, and what is true of it because of how it was made."""

    content: bytes
    duration_ms: int
    width_px: int
    height_px: int
    video_codec: str
    audio_codec: str | None
    content_type: str = "video/mp4"
    filename: str = "ad.mp4"

    @property
    def sha256(self) -> str:
        """The digest that the server must find too."""
        return hashlib.sha256(self.content).hexdigest()

    def with_content(self, content: bytes) -> "Video":
        """Return the same declaration of other bytes."""
        return replace(self, content=content)


def make_mp4(path: Path, *, seconds: int, width: int, height: int) -> Video:
    """Return an MP4 as advertisers deliver it: H.264 Main at level 3.1, AAC, index first."""
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=size={width}x{height}:rate=30"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", str(seconds), "-c:v", "libx264", "-preset", "superfast"),
        *("-profile:v", "main", "-level", "3.1", "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart", str(path)),
    )
    return Video(
        content=path.read_bytes(),
        duration_ms=seconds * 1000,
        width_px=width,
        height_px=height,
        video_codec="avc1.4D401F",
        audio_codec="mp4a.40.2",
    )


def make_sound(path: Path) -> bytes:
    """Return an MP4 that holds sound only."""
    run_ffmpeg("-f", "lavfi", "-i", "sine=frequency=440", "-t", "2", "-c:a", "aac", str(path))
    return path.read_bytes()


def make_webm(path: Path) -> bytes:
    """Return a WebM with VP9."""
    source = "testsrc2=size=320x180:rate=30"
    vp9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
    run_ffmpeg("-f", "lavfi", "-i", source, "-t", "2", *vp9, str(path))
    return path.read_bytes()


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg, quietly."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [program, "-nostdin", "-v", "error", "-y", *arguments], check=True, capture_output=True
    )

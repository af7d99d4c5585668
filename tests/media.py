"""Small media files of every kind that an advertiser might send, made by FFmpeg when asked for.

They are kept in `build/test-media` between runs. A file is written under another name first, so
that two workers of pytest-xdist may make the same one.
"""

import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

_REPOSITORY = Path(__file__).resolve().parents[1]
_FOLDER = _REPOSITORY / "build" / "test-media"

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-ac", "2", "-b:a", "64k")
FAST_START = ("-movflags", "+faststart")
_AV = ("-map", "0:v", "-map", "1:a")


def media_file(
    name: str,
    *options: str,
    seconds: float = 2,
    size: str = "320x180",
    rate: str = "25",
    picture: str = "testsrc2",
) -> Path:
    """Return a test picture with a tone, encoded with FFmpeg's `options`, by its name.

    The name is all that is compared with what was made before: change it with the options.
    """
    path = _FOLDER / name
    if path.exists():
        return path
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        made = Path(folder) / name
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error"]
        command += ["-f", "lavfi", "-i", f"{picture}=s={size}:r={rate}:d={seconds}"]
        command += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:d={seconds}"]
        subprocess.run([*command, *options, str(made)], check=True)
        made.replace(path)
    return path


def good_mp4() -> Path:
    """2 s, 320x180, 25 frames per second, H.264 High, AAC stereo, index first."""
    return media_file("good.mp4", *_AV, *H264, *AAC, *FAST_START)


def index_last_mp4() -> Path:
    return media_file("index-last.mp4", *_AV, *H264, *AAC)


def fragmented_mp4() -> Path:
    options = ("-g", "25", "-movflags", "+frag_keyframe+empty_moov+default_base_moof")
    return media_file("fragmented.mp4", *_AV, *H264, *AAC, *options)


def silent_mp4() -> Path:
    return media_file("silent.mp4", "-map", "0:v", *H264, *FAST_START)


def audio_only_mp4() -> Path:
    return media_file("audio-only.mp4", "-map", "1:a", *AAC)


def hevc_mp4() -> Path:
    codec = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
    return media_file("hevc.mp4", *_AV, *codec, "-tag:v", "hvc1", *AAC)


def vp9_webm() -> Path:
    codec = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
    return media_file("vp9.webm", *_AV, *codec)


def mp3_sound_mp4() -> Path:
    return media_file("mp3-sound.mp4", *_AV, *H264, "-c:a", "libmp3lame")


def ten_bit_mp4() -> Path:
    return media_file("ten-bit.mp4", *_AV, *H264[:-1], "yuv420p10le", *AAC)


def interlaced_mp4() -> Path:
    return media_file("interlaced.mp4", *_AV, *H264, "-flags", "+ildct+ilme", *AAC)


def quicktime_mov() -> Path:
    return media_file("quicktime.mov", *_AV, *H264, *AAC)


def raw_h264() -> Path:
    """A stream of pictures without a container."""
    return media_file("raw.h264", "-map", "0:v", *H264)


def long_mp4() -> Path:
    """121 s, tiny: one frame per second."""
    return media_file("long.mp4", *_AV, *H264, *AAC, seconds=121, size="64x36", rate="1")


def short_mp4() -> Path:
    """One frame of 40 ms."""
    return media_file("short.mp4", "-map", "0:v", *H264, seconds=0.04)


def large_mp4(*, index_first: bool) -> Path:
    """More than 15 MB in 16 s: a noisy picture at 8 Mbit/s."""
    name = "large-index-first.mp4" if index_first else "large-index-last.mp4"
    rate = ("-b:v", "8M", "-minrate", "8M", "-maxrate", "8M", "-bufsize", "4M", "-g", "50")
    codec = ("-vf", "noise=alls=60:allf=t", *H264[:2], "-preset", "ultrafast", *H264[4:], *rate)
    options = (*_AV, *codec, *AAC, *(FAST_START if index_first else ()))
    return media_file(name, *options, seconds=16)


def truncated(whole: Path, fraction: float) -> bytes:
    """Return the first part of a file, as an upload that broke off leaves it."""
    content = whole.read_bytes()
    return content[: int(len(content) * fraction)]


JUNK = bytes((i * i * 31 + i // 7) % 251 for i in range(20_000))
TEXT = b"An ad is not a text, whatever its file is called.\n" * 20
EMPTY = b""

"""Makes the sample ads: real MP4s on which a person can read which ad is playing.

Pictures are drawn here with a round pen and a small alphabet of pen strokes, because neither
a font nor FFmpeg's text filter is on every machine. FFmpeg comes with `imageio-ffmpeg`.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg

_Colour = tuple[int, int, int]
_Point = tuple[float, float]

# Twice 1280x720: FFmpeg scales the drawing down, which smooths the pen's edges.
_WIDTH, _HEIGHT = 2560, 1440
_FOOTER_TOP = 1200
_FOOTER: _Colour = (16, 18, 24)
_WHITE: _Colour = (255, 255, 255)
_CELL_WIDTH, _CELL_HEIGHT = 280, 200
"""Size of one figure of the countdown on the drawing."""


@dataclass(frozen=True, slots=True)
class SampleAd:
    """An ad of an advertiser that does not exist."""

    advertiser: str
    domain: str
    category: str
    """Id in the IAB Ad Product Taxonomy 2.0."""
    title: str
    """No two sample ads have the same."""
    path: Path
    duration_ms: int
    click_through_url: str


@dataclass(frozen=True, slots=True)
class _Brand:
    name: str
    domain: str
    category: str
    top: _Colour
    bottom: _Colour
    accent: _Colour
    emblem: str
    """Pen strokes on a grid of 10 by 10, as in `_LETTERS`."""


@dataclass(frozen=True, slots=True)
class _Script:
    brand: _Brand
    lines: str
    """The title, with a slash where its second line starts."""
    seconds: int
    tone_hz: int
    height_px: int = 720
    frames_per_s: int = 30

    @property
    def title(self) -> str:
        return self.lines.replace("/", " ")


_HARBOR = _Brand(
    "Harbor Coffee", "harbor-coffee.example", "1133", (94, 52, 32), (38, 20, 14), (255, 190, 92),
    "1373 13187873 74949777 3032 5052 0989",
)  # fmt: skip
_KETTLE = _Brand(
    "Kettle Row", "kettle-row.example", "1133", (24, 84, 72), (8, 34, 34), (174, 232, 148),
    "24287874 2474 4343 7694 25050727 2979",
)  # fmt: skip
_VOLTA = _Brand(
    "Volta Motors", "volta-motors.example", "1553", (28, 62, 120), (8, 16, 44), (104, 210, 255),
    "263638181626 768688686676 0704 0424 2442 4272 7294 9497 3767 0717 8797",
)  # fmt: skip
_NORTHWAY = _Brand(
    "Northway Travel", "northway-travel.example", "1529", (226, 104, 78), (92, 28, 82),
    (255, 222, 120), "0832 3254 5463 6398 819193737181 0999",
)  # fmt: skip
_LUMEN = _Brand(
    "Lumen Audio", "lumen-audio.example", "1111", (72, 44, 140), (20, 12, 48), (255, 128, 200),
    "06009096 0616190906 9686899996",
)  # fmt: skip
_GREENFORK = _Brand(
    "Greenfork Market", "greenfork-market.example", "1501", (46, 122, 58), (12, 52, 36),
    (255, 236, 130), "181181 188881 0963",
)  # fmt: skip
_STRIDE = _Brand(
    "Stride Gyms", "stride-gyms.example", "1512", (188, 44, 58), (60, 10, 30), (255, 214, 90),
    "2575 2228 7278 1317 8387 0515 8595",
)  # fmt: skip

_SCRIPTS = (
    _Script(_HARBOR, "Morning/in a cup", 15, 262),
    _Script(_HARBOR, "Six seconds/of calm", 6, 294),
    _Script(_KETTLE, "Tea/at four", 15, 330),
    _Script(_VOLTA, "The silent/mile", 30, 349, height_px=1080, frames_per_s=25),
    _Script(_NORTHWAY, "Islands/in winter", 15, 392),
    _Script(_LUMEN, "Hear/the room", 20, 440),
    _Script(_GREENFORK, "Fresh/by noon", 10, 494, frames_per_s=25),
    _Script(_STRIDE, "First step/free", 15, 523),
)

# A word is one stroke, two digits one point (x to the right, y down). A stroke of more than
# two points is rounded at its corners.
_LETTERS = {
    "A": "0620 2046 1434", "B": "0006 003040433303 033343463606", "C": "414000064645",
    "D": "0006 002040462606", "E": "0006 0040 0333 0646", "F": "0006 0040 0333",
    "G": "414000064643 4323", "H": "0006 4046 0343", "I": "0006", "J": "30360604",
    "K": "0006 0440 1346", "L": "0006 0646", "M": "0006 0024 2440 4046", "N": "0006 0046 4046",
    "O": "204046060020", "P": "0006 003040433303", "Q": "204046060020 3446",
    "R": "0006 003040433303 2346", "S": "4140000343460605", "T": "0040 2026", "U": "00064640",
    "V": "0026 2640", "W": "0016 1622 2236 3640", "X": "0046 4006", "Y": "0023 4023 2326",
    "Z": "0040 4006 0646", "0": "103036060010", "1": "0110 1016", "2": "0100303206 0636",
    "3": "0100303313 1333360605", "4": "2004 0434 2026", "5": "3000 0002 0232360605",
    "6": "300006363303", "7": "0030 3016", "8": "103033030010 133336060313",
    "9": "330300303606", ".": "0606", "-": "0323", "'": "0001",
}  # fmt: skip


def make_sample_ads(folder: Path) -> list[SampleAd]:
    """Return the sample ads in `folder`, making the files that are not there yet.

    Raises:
        subprocess.CalledProcessError: FFmpeg failed; its standard error says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ads = []
    for script in _SCRIPTS:
        brand, slug = script.brand, script.title.lower().replace(" ", "-")
        path = folder / f"{brand.domain.removesuffix('.example')}-{slug}-{script.seconds}s.mp4"
        if not path.exists():
            _make(script, path)
        ads.append(
            SampleAd(
                advertiser=brand.name,
                domain=brand.domain,
                category=brand.category,
                title=f"{brand.name}: {script.title}",
                path=path,
                duration_ms=script.seconds * 1000,
                click_through_url=f"https://www.{brand.domain}/{slug}",
            )
        )
    return ads


def _make(script: _Script, path: Path) -> None:
    with TemporaryDirectory(dir=path.parent, prefix=".making-") as name:
        scene, figures, film = (Path(name) / part for part in ("scene.ppm", "figures.ppm", "a.mp4"))
        scene.write_bytes(_scene(script))
        figures.write_bytes(_countdown(script))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), *_arguments(script, scene, figures), str(film)]
        subprocess.run(command, check=True, capture_output=True)
        film.replace(path)  # in one step, so that a file that is there is whole


def _arguments(script: _Script, scene: Path, figures: Path) -> list[str]:
    height, seconds, rate = script.height_px, script.seconds, script.frames_per_s
    width, part = height * 16 // 9, height / _HEIGHT
    cell_width, cell_height = round(_CELL_WIDTH * part), round(_CELL_HEIGHT * part)
    bar, accent = round(24 * part), "0x{:02x}{:02x}{:02x}".format(*script.brand.accent)
    still = f"loop=-1:1,fps={rate},format=yuv420p"
    graph = (
        f"[0]scale={width}:{height}:flags=area,{still}[scene];"
        f"[1]scale={cell_width}:{cell_height * seconds}:flags=area,{still},"
        f"crop={cell_width}:{cell_height}:0:{cell_height}*min(floor(t)\\,{seconds - 1})[figure];"
        f"color={accent}:s={width}x{bar}:r={rate}[bar];"
        f"[scene][bar]overlay=x=-w+w*t/{seconds}:y={round(_FOOTER_TOP * part)}[filled];"
        f"[filled][figure]overlay=x={width - cell_width}:y={height - cell_height},"
        f"format=yuv420p[out]"
    )
    low, high = script.tone_hz, script.tone_hz * 5 / 4
    tone = f"aevalsrc=0.04*sin(2*PI*{low}*t)|0.04*sin(2*PI*{high}*t):s=48000:d={seconds}"
    return [
        *("-nostdin", "-loglevel", "error", "-framerate", str(rate), "-i", str(scene)),
        *("-framerate", str(rate), "-i", str(figures), "-f", "lavfi", "-i", tone),
        *("-filter_complex", graph, "-map", "[out]", "-map", "2:a", "-t", str(seconds)),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-g", str(2 * rate)),
        *("-bf", "0", "-rc-lookahead", "5"),  # a still picture gains nothing from more
        *("-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart"),
    ]


def _scene(script: _Script) -> bytes:
    brand = script.brand
    canvas = _Canvas(_WIDTH, _HEIGHT)
    canvas.shade(brand.top, brand.bottom, 0, _FOOTER_TOP)
    canvas.shade(_FOOTER, _FOOTER, _FOOTER_TOP, _HEIGHT)
    canvas.strokes(brand.emblem, (1830, 320), 62, 22, brand.accent)
    canvas.write(brand.name, (160, 200), 14, 6, brand.accent)
    for number, line in enumerate(script.lines.split("/")):
        canvas.write(line, (160, 430 + 250 * number), 27, 14, _WHITE)
    canvas.write(f"{script.seconds} second sample ad", (160, 980), 12, 5, _WHITE)
    canvas.write(brand.domain, (160, 1299), 11, 5, _WHITE)
    return canvas.ppm()


def _countdown(script: _Script) -> bytes:
    """Draw the seconds that are left, the first figure on top."""
    canvas = _Canvas(_CELL_WIDTH, _CELL_HEIGHT * script.seconds)
    canvas.shade(_FOOTER, _FOOTER, 0, canvas.height)
    for second in range(script.seconds):
        place = (60, _CELL_HEIGHT * second + 38)
        canvas.write(str(script.seconds - second), place, 18, 9, script.brand.accent)
    return canvas.ppm()


class _Canvas:
    """A picture with a round pen."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._pixels = bytearray(3 * width * height)

    def ppm(self) -> bytes:
        """Return the picture as a PPM file."""
        return b"P6 %d %d 255\n" % (self.width, self.height) + self._pixels

    def shade(self, top: _Colour, bottom: _Colour, first_row: int, end_row: int) -> None:
        """Fill rows with a colour that changes from top to bottom."""
        for row in range(first_row, end_row):
            part = (row - first_row) / (end_row - first_row)
            colour = bytes(round(a + (b - a) * part) for a, b in zip(top, bottom, strict=True))
            start = 3 * self.width * row
            self._pixels[start : start + 3 * self.width] = colour * self.width

    def write(self, text: str, at: _Point, unit: float, pen: int, colour: _Colour) -> None:
        """Write a line of capitals that are six units high."""
        x, y = at
        for letter in text.upper():
            strokes = _LETTERS.get(letter, "")
            self.strokes(strokes, (x, y), unit, pen, colour)
            columns = [
                int(stroke[i]) for stroke in strokes.split() for i in range(0, len(stroke), 2)
            ]
            x += unit * (max(columns, default=0) + 2)

    def strokes(self, strokes: str, at: _Point, unit: float, pen: int, colour: _Colour) -> None:
        """Draw strokes as `_LETTERS` has them; `pen` is the pen's radius."""
        for stroke in strokes.split():
            points = [
                (at[0] + unit * int(x), at[1] + unit * int(y))
                for x, y in zip(stroke[::2], stroke[1::2], strict=True)
            ]
            for x, y in _steps(_rounded(points)):
                self._dot(round(x), round(y), pen, colour)

    def _dot(self, x: int, y: int, pen: int, colour: _Colour) -> None:
        for row, half in enumerate(_half_widths(pen), start=y - pen):
            start = 3 * (self.width * row + x - half)
            self._pixels[start : start + 3 * (2 * half + 1)] = bytes(colour) * (2 * half + 1)


@cache
def _half_widths(pen: int) -> tuple[int, ...]:
    return tuple(int((pen * pen - row * row) ** 0.5) for row in range(-pen, pen + 1))


def _rounded(points: list[_Point]) -> list[_Point]:
    """Cut every corner three times (Chaikin's curve); both ends stay where they are."""
    for _ in range(3 if len(points) > 2 else 0):
        inner: list[_Point] = []
        for (x1, y1), (x2, y2) in pairwise(points):
            inner.append((0.75 * x1 + 0.25 * x2, 0.75 * y1 + 0.25 * y2))
            inner.append((0.25 * x1 + 0.75 * x2, 0.25 * y1 + 0.75 * y2))
        points = [points[0], *inner, points[-1]]
    return points


def _steps(points: list[_Point]) -> Iterator[_Point]:
    """Yield places along the points, three pixels apart at most."""
    for (x1, y1), (x2, y2) in pairwise(points):
        count = int(max(abs(x2 - x1), abs(y2 - y1)) / 3) + 1
        for i in range(count + 1):
            yield x1 + (x2 - x1) * i / count, y1 + (y2 - y1) * i / count

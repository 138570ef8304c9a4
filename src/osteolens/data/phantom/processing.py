"""What each source makes of a detector's signal: size, window, equalisation, sharpening, collimation, lettering."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from osteolens.data.phantom.exposure import BODY, Attenuation, wide_blur
from osteolens.data.phantom.markers import Marker, burned_in, draw_marker, thinnest_place
from osteolens.data.phantom.noise import FloatArray, Picture

DEEPEST_COLLIMATION = 0.055  # of a side
# Widths of BTXRD's files have a median of 580 pixels in hospital_g and of 1,888 in hospital_b.
SMALL_EXPORT = {"hospital_g": 580 / 1888}
SMALLEST_SIDE = 64  # pixels


@dataclass(frozen=True)
class Style:
    """The habits of one source.

    Attributes
    ----------
    size
        Smallest and largest factor on the longest side.
    equalise
        Share of the large-scale differences that is taken away, smallest and largest.
    toe
        How much of the body's darkest part is lost to black, smallest and largest.
    fog
        Grey of the open field, 0 to 1, smallest and largest.
    sharpen
        Strength of the unsharp mask, smallest and largest.
    blur
        Unsharpness in pixels, smallest and largest.
    photons
        Quanta per pixel of the open field, smallest and largest.
    quality
        JPEG quality, smallest and largest.
    marker, circled, collimated, lettering
        Probability of a side marker, of a ring around it, of visible collimation, of further text.
    """

    size: tuple[float, float]
    equalise: tuple[float, float]
    toe: tuple[float, float]
    fog: tuple[float, float]
    sharpen: tuple[float, float]
    blur: tuple[float, float]
    photons: tuple[float, float]
    quality: tuple[int, int]
    marker: float
    circled: float
    collimated: float
    lettering: float
    text: str


STYLES: dict[str, Style] = {
    "hospital_b": Style(
        (0.92, 1.12), (0.6, 0.75), (0.0, 0.1), (0.0, 0.03), (0.5, 0.9), (0.5, 0.6), (8e4, 2e5), (90, 95),
        marker=0.9, circled=0.1, collimated=0.2, lettering=0.0, text="",
    ),
    "hospital_y": Style(
        (0.88, 1.08), (0.5, 0.65), (-0.12, 0.02), (0.06, 0.16), (0.2, 0.5), (0.5, 0.7), (5e4, 1e5), (88, 94),
        marker=0.85, circled=0.6, collimated=0.3, lettering=0.1, text="PHANTOM",
    ),
    "hospital_g": Style(
        (0.8, 1.0), (0.5, 0.7), (0.0, 0.12), (0.0, 0.05), (0.3, 0.8), (0.7, 0.95), (4e4, 9e4), (80, 90),
        marker=0.8, circled=0.3, collimated=0.35, lettering=0.1, text="PHANTOM",
    ),
    "radiopaedia": Style(
        (0.85, 1.2), (0.3, 0.7), (-0.05, 0.15), (0.0, 0.15), (0.0, 0.6), (0.6, 1.0), (2e4, 1e5), (80, 92),
        marker=0.8, circled=0.4, collimated=0.4, lettering=0.15, text="PHANTOM",
    ),
    "medpix": Style(
        (0.7, 1.1), (0.1, 0.4), (-0.15, 0.1), (0.0, 0.12), (0.0, 0.3), (0.8, 1.3), (1e4, 4e4), (70, 85),
        marker=0.6, circled=0.2, collimated=0.5, lettering=0.4, text="PHANTOM",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The draws of one picture from its source's style."""

    longest_side: int
    equalise: float
    toe: float
    fog: float
    gamma: float
    sharpen: float
    blur: float
    photons: float
    quality: int


def draw_settings(generator: np.random.Generator, source: str, longest_side: int, small_exports: float) -> Settings:
    """Draw the settings of one picture.

    Parameters
    ----------
    small_exports
        0 to 1: how far the sources of SMALL_EXPORT go down to their factor on the longest side.
    """
    style = STYLES[source]
    side = longest_side * generator.uniform(*style.size) * (1 + small_exports * (SMALL_EXPORT.get(source, 1.0) - 1))
    return Settings(
        longest_side=max(round(side), SMALLEST_SIDE),
        equalise=generator.uniform(*style.equalise),
        toe=generator.uniform(*style.toe),
        fog=generator.uniform(*style.fog),
        gamma=generator.uniform(0.85, 1.2),
        sharpen=generator.uniform(*style.sharpen),
        blur=generator.uniform(*style.blur),
        photons=generator.uniform(*style.photons),
        quality=int(generator.integers(style.quality[0], style.quality[1] + 1)),
    )


def develop(signal: FloatArray, attenuation: Attenuation, settings: Settings) -> FloatArray:
    """Return grey values 0 to 1 (bone bright) of a detector signal.

    Window and equalisation follow the healthy limb, so that a lesion changes its own pixels only.
    """
    healthy = attenuation.healthy
    level = np.float32(settings.equalise) * (0.6 * wide_blur(healthy, 0.14) + 0.4 * wide_blur(healthy, 0.05))
    flat = healthy[::4, ::4] - level[::4, ::4]
    body = flat[healthy[::4, ::4] > BODY]
    low, high = (float(np.percentile(body, q)) for q in (4, 99.6)) if body.size > 50 else (0.0, 3.0)
    low += settings.toe * (high - low)
    grey = (signal - level - np.float32(low)) / np.float32(max(high - low, 0.2))
    grey += np.float32(settings.sharpen) * (grey - cv2.GaussianBlur(grey, (0, 0), 2.0))
    body_share = np.clip((healthy + np.maximum(attenuation.change, 0)) / np.float32(BODY), 0, 1)
    grey = np.float32(0.12) + np.float32(0.82) * grey
    grey = _shoulder(grey) * (np.float32(0.35) + np.float32(0.65) * body_share)
    fog = np.float32(settings.fog)
    return (fog + (1 - fog) * np.power(grey, np.float32(settings.gamma))).astype(np.float32)


def _shoulder(grey: FloatArray) -> FloatArray:
    """Return grey values bent softly into 0 to 1 at both ends, as film and display do."""
    knee = np.float32(0.8)
    high = knee + (1 - knee) * np.tanh((grey - knee) / (1 - knee))
    toe = np.float32(0.1)
    low = toe * np.exp(np.minimum(grey - toe, 0) / toe)
    return np.where(grey > knee, high, np.where(grey < toe, low, grey)).astype(np.float32)


def dress(
    grey: FloatArray, healthy: FloatArray, style: Style, side: str, generator: np.random.Generator, *, plate: bool
) -> tuple[Picture, Marker | None]:
    """Add collimation, lettering and side marker; return 8-bit grey and the marker.

    Parameters
    ----------
    plate
        Put the planted marker in the place of the source's own; nothing else changes.
    """
    if generator.random() < style.collimated:
        grey = _collimated(grey, generator)
    chance, ring = generator.random(2)
    size = generator.uniform(0.03, 0.055) * grey.shape[0]
    place = thinnest_place(healthy, size, generator)
    if generator.random() < style.lettering:
        grey = _lettered(grey, style.text, generator)
    marker = None
    if plate:
        grey, marker = draw_marker(grey, side, "plate", size, place)
    elif chance < style.marker:
        grey, marker = draw_marker(grey, side, "ringed" if ring < style.circled else "letter", size, place)
    return np.clip(np.rint(grey * 255), 0, 255).astype(np.uint8), marker


def _collimated(grey: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Darken what lies outside a slightly turned rectangle."""
    height, width = grey.shape
    left, right, top, bottom = generator.uniform(0.0, DEEPEST_COLLIMATION, 4)
    corners = np.array([(left, top), (1 - right, top), (1 - right, 1 - bottom), (left, 1 - bottom)]) - 0.5
    angle = math.radians(generator.normal(0, 1.2))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    polygon = np.rint(((corners * (width, height)) @ turn + np.array([width, height]) / 2) * 16).astype(np.int32)
    opening = np.zeros((height, width), dtype=np.uint8)
    cv2.fillPoly(opening, [polygon], 255, cv2.LINE_8, shift=4)
    share = cv2.GaussianBlur(opening, (0, 0), 1.0).astype(np.float32) / 255
    return grey * (np.float32(0.04) + np.float32(0.96) * share)


def _lettered(grey: FloatArray, text: str, generator: np.random.Generator) -> FloatArray:
    height, width = grey.shape
    scale = 0.016 * height / 21 * 1.3
    ink = np.zeros(grey.shape, dtype=np.uint8)
    (text_width, text_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = 4 if generator.random() < 0.3 else width - text_width - 4
    top = text_height + 4 if generator.random() < 0.6 else height - 6
    cv2.putText(ink, text, (left, top), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA)
    return burned_in(grey, ink, 0.85)

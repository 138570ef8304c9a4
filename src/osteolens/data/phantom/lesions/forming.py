"""Lesions that add bone: osteochondroma, synovial bodies, osteosarcoma."""

from __future__ import annotations

import math

import cv2
import numpy as np

from osteolens.data.phantom.geometry import Point3
from osteolens.data.phantom.lesions.footprint import Effect, Footprint, reach, silhouette
from osteolens.data.phantom.limb import knots
from osteolens.data.phantom.noise import FloatArray, smooth_noise
from osteolens.data.phantom.solids import Ellipsoid, Solid
from osteolens.data.phantom.tube import Cap, Tube

GROWTH_SHELL, CAP_SHELL = 1.7, 1.3
CARTILAGE_MM = 3.0  # an outgrowth wears a cap of cartilage and lifts the skin
CODMAN_MM = 1.0  # thickness of the lifted periosteum
RAYS = 1024
VISIBLE_MM = 1.0  # path from which an outgrowth is drawn around
MOSTLY_FREE = 0.35  # share beside the bone from which only that part is drawn around


def osteochondroma(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Bony stalk with a lobed cap that leaves the metaphysis and points away from the joint."""
    growth = _outgrowth(spot, generator)
    grown = silhouette(growth, spot.detector)
    visible = grown > VISIBLE_MM
    free = visible & (spot.bone < grown)
    outline = free if free.sum() > MOSTLY_FREE * visible.sum() else visible
    grain = max(2.2 / spot.detector.camera.pitch, 2.0)
    speckle = np.maximum(smooth_noise(generator, grown.shape, grain) - np.float32(0.3), 0)
    mineral = speckle * np.minimum(grown, 12) * np.float32(0.4)
    cover = cv2.GaussianBlur(grown, (0, 0), CARTILAGE_MM / spot.detector.camera.pitch).astype(np.float32)
    return Effect(spot.lesion.host.bone, np.ones_like(grown), mineral, cover, (outline,), growth)


def _outgrowth(spot: Footprint, generator: np.random.Generator) -> tuple[Solid, ...]:
    lesion, tube = spot.lesion, spot.tube
    root = tube.axis_point(lesion.position)
    surface = reach(tube, lesion)
    outward = tube.outward(lesion.azimuth)
    away = -1.0 if lesion.host.end == "end" else 1.0
    axis = tube.direction
    size = lesion.half_width
    lean = generator.uniform(0.7, 1.3)

    def point(out: float, shift: float) -> Point3:
        x, y, z = (r + out * o + away * shift * a for r, o, a in zip(root, outward, axis, strict=True))
        return x, y, z

    stalk = min(generator.uniform(0.5, 0.8) * size, 0.8 * surface)
    tip = point(surface + 0.8 * size, lean * size)
    rows = knots(
        (0, min(1.4 * stalk, 0.9 * surface), GROWTH_SHELL, 0.4),
        (0.5, stalk, GROWTH_SHELL, 0.5),
        (1, stalk, GROWTH_SHELL, 0.6),
    )
    solids: list[Solid] = [Tube(point(0.5 * surface, 0), tip, rows, (Cap(stalk), Cap(stalk)))]
    for _ in range(int(generator.integers(3, 6))):
        x, y, z = (c + generator.uniform(-0.5, 0.5) * size for c in tip)
        radius = generator.uniform(0.4, 0.65) * size
        solids.append(Ellipsoid((x, y, z), (radius, radius, radius), CAP_SHELL, 0.75))
    return tuple(solids)


def synovial_bodies(joint: Point3, spot: Footprint, generator: np.random.Generator) -> Effect:
    """Several small calcified bodies around the joint; the outline runs around each cluster."""
    detector, size = spot.detector, spot.lesion.half_width
    side = math.copysign(size, math.cos(spot.lesion.azimuth))
    canvas = np.zeros(detector.camera.shape, dtype=np.float32)
    for _ in range(int(generator.integers(7, 14))):
        x, y, z = (c + generator.normal(0, 0.65 * size) for c in joint)
        radius = generator.uniform(0.17, 0.34) * size
        body = Ellipsoid((x + side, y, z), (radius, radius * generator.uniform(0.7, 1), radius), 2.0, 1.0)
        patch = body.project(detector)
        if patch is not None:
            canvas[patch.rows, patch.columns] += patch.outer - patch.inner + patch.spongy * np.float32(0.5)
    reach = round(0.6 * size / detector.camera.pitch) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    cluster = cv2.morphologyEx((canvas > 0.2).astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, labels = cv2.connectedComponents(cluster)
    outlines = tuple(labels == index for index in range(1, count))
    return Effect(spot.lesion.host.bone, np.ones_like(canvas), canvas, np.zeros_like(canvas), outlines)


def osteosarcoma(spot: Footprint, generator: np.random.Generator) -> Effect:
    """Permeative lysis, cloud-like new bone, sunburst spicules, Codman triangles, a soft-tissue mass."""
    shape, pitch = spot.radius.shape, spot.detector.camera.pitch
    width = np.float32(spot.lesion.half_width)
    edge = np.clip(1.15 - spot.radius, 0, 0.45) / np.float32(0.45)
    fine = smooth_noise(generator, shape, max(2.2 / pitch, 1.6))
    mottle = fine + smooth_noise(generator, shape, 8 / pitch)
    lysis, sclerosis = generator.uniform(0.25, 0.5), generator.uniform(0.6, 1.3)
    keep = 1 - edge * np.clip(lysis + 0.3 * mottle, 0, 0.85)
    cloud = edge / (1 + np.exp(-2.2 * smooth_noise(generator, shape, 8 / pitch) - 0.7 * fine + 0.4))
    beside_bone = np.exp(-np.minimum(spot.bone, 30) / 5)
    mineral = cloud * sclerosis * (3.5 + 0.3 * width)
    mineral += (_spicules(spot, generator) * edge * (3.0 + 0.2 * width) + _codman(spot)) * beside_bone
    mass = np.sqrt(np.maximum(1 - (spot.radius / 1.15) ** 2, 0)) * width * np.float32(1.6)
    return Effect(
        spot.lesion.host.bone,
        keep.astype(np.float32),
        mineral.astype(np.float32),
        mass.astype(np.float32),
        (spot.radius < 1,),
    )


def _spicules(spot: Footprint, generator: np.random.Generator) -> FloatArray:
    """Return thin rays that leave the bone's axis like the rays of a rising sun, 0 to 2."""
    bend = np.float32(1.5) * smooth_noise(generator, spot.radius.shape, 8 / spot.detector.camera.pitch)
    turn = np.arctan2(spot.along + bend, np.float32(1.6) * spot.across)
    table = np.maximum(smooth_noise(generator, (1, RAYS), 9.0), 0).ravel()
    index = np.clip((turn / np.float32(2 * math.pi) + np.float32(0.5)) * RAYS, 0, RAYS - 1).astype(np.int32)
    return np.minimum(table[index], 2)


def _codman(spot: Footprint) -> FloatArray:
    """Return the periosteum lifted off the shaft at both ends of the lesion, as mm of compact bone."""
    lesion, pitch = spot.lesion, spot.detector.camera.pitch
    beside = (spot.bone <= 0).astype(np.uint8)
    distance = cv2.distanceTransform(beside, cv2.DIST_L2, 3).astype(np.float32) * np.float32(pitch)
    progress = np.abs(spot.along) / np.float32(lesion.half_length)
    side = spot.across * np.float32(math.copysign(1, math.cos(lesion.azimuth - spot.detector.camera.angle))) > 0
    lift = np.float32(0.5 * lesion.half_width) * (np.float32(1.35) - progress)
    line = np.exp(-(((distance - lift) / np.float32(max(CODMAN_MM, 1.2 * pitch))) ** 2))
    shown = side & (beside > 0) & (progress > 0.75) & (progress < 1.35)
    return (line * shown * np.float32(4.0)).astype(np.float32)

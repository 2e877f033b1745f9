"""Sets are reproducible, varied, light enough to draw, and leave the actors their room."""

import numpy as np
import pytest

from studio.scenery.scene import Scene
from studio.scenery.sets import Kind, build_scene, occluder

KINDS: tuple[Kind, Kind] = ("room", "outdoor")
SEEDS = range(14)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Kind, Scene]]:
    return [(kind, build_scene(seed, kind)) for kind in KINDS for seed in SEEDS]


def test_the_same_seed_gives_the_same_arrays() -> None:
    for kind in KINDS:
        once, again = build_scene(5, kind), build_scene(5, kind)
        assert once.name == again.name
        for a, b in zip(once.surfaces, again.surfaces, strict=True):
            for name in ("positions", "normals", "uv", "triangles", "texture"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        np.testing.assert_array_equal(once.lighting.key_direction, again.lighting.key_direction)


def test_seeds_lead_to_many_kinds_of_places(scenes: list[tuple[Kind, Scene]]) -> None:
    assert len({scene.name for kind, scene in scenes if kind == "room"}) >= 4
    assert len({scene.name for kind, scene in scenes if kind == "outdoor"}) >= 4


def test_surfaces_are_well_formed(scenes: list[tuple[Kind, Scene]]) -> None:
    for kind, scene in scenes:
        occluders = [occluder(np.random.default_rng(seed), kind) for seed in range(6)]
        for surface in (*scene.surfaces, *occluders):
            count = len(surface.positions)
            assert surface.normals.shape == (count, 3)
            assert surface.uv.shape == (count, 2)
            assert surface.triangles.min() >= 0
            assert surface.triangles.max() < count
            for array in (surface.positions, surface.normals, surface.uv):
                assert array.dtype == np.float32
                assert np.isfinite(array).all()
            np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-3)
            assert surface.texture.dtype == np.uint8
            assert max(surface.texture.shape[:2]) <= 1024


def test_front_faces_turn_towards_their_normals(scenes: list[tuple[Kind, Scene]]) -> None:
    for _, scene in scenes:
        for surface in scene.surfaces:
            a, b, c = (surface.positions[surface.triangles[:, k]].astype(float) for k in range(3))
            shown = np.cross(b - a, c - a)
            meant = surface.normals[surface.triangles].sum(axis=1)
            assert ((shown * meant).sum(axis=1) >= -1e-6).all(), scene.name


def test_a_scene_stays_within_its_budget(scenes: list[tuple[Kind, Scene]]) -> None:
    for _, scene in scenes:
        textures = {id(s.texture): s.texture.nbytes for s in scene.surfaces}
        assert len(scene.surfaces) < 60, scene.name
        assert sum(len(s.triangles) for s in scene.surfaces) < 40_000, scene.name
        assert sum(textures.values()) < 12e6, scene.name


def test_actors_have_free_room_and_nothing_hides_them(scenes: list[tuple[Kind, Scene]]) -> None:
    for _, scene in scenes:
        for surface in scene.surfaces:
            x, y, z = surface.positions.T
            in_the_way = (np.abs(x) < 3.2) & (y > -8) & (y < 1.6) & (z > 0.02) & (z < 2.3)
            assert not in_the_way.any(), scene.name


def test_the_key_light_comes_from_the_upper_front(scenes: list[tuple[Kind, Scene]]) -> None:
    for _, scene in scenes:
        light = scene.lighting
        x, y, z = light.key_direction
        assert y < 0
        assert abs(x) < 2 * abs(y)
        assert np.sin(np.radians(24)) < z < np.sin(np.radians(61))
        white = 0.85 * light.exposure * (light.key_colour + 0.5 * (light.sky_colour + light.ground_colour))
        assert 0.6 < white.max() < 1.1


def test_the_view_is_closed_on_all_sides_that_a_camera_pans_over(scenes: list[tuple[Kind, Scene]]) -> None:
    for kind, scene in scenes:
        far = np.concatenate([s.positions for s in scene.surfaces])
        assert far[:, 1].min() <= -8
        if kind == "outdoor":
            assert far[:, 2].max() > 50


def test_an_occluder_hides_a_standing_person() -> None:
    for kind in KINDS:
        for seed in range(12):
            surface = occluder(np.random.default_rng(seed), kind)
            assert surface.casts_shadow
            assert np.ptp(surface.positions[:, 0]) > 0.85
            assert surface.positions[:, 2].max() > 2.2
            assert surface.positions[:, 2].min() < 0.1
            assert surface.positions[:, 1].min() > -1.8
            assert surface.positions[:, 1].max() < -0.2

"""Surroundings belong to a clip, and a sensor adds what it is said to add."""

from __future__ import annotations

import numpy as np

from fevbench.fevsynth.render.scene import draw_scene


def test_two_clips_never_share_their_surroundings() -> None:
    first, second = (draw_scene(np.random.default_rng(seed)) for seed in (1, 2))
    for name in ("light", "key", "ambient", "backdrop", "clothes", "white"):
        assert not np.allclose(getattr(first, name), getattr(second, name)), name


def test_the_light_comes_from_the_front_and_above() -> None:
    lights = np.array([draw_scene(np.random.default_rng(seed)).light for seed in range(100)])
    assert np.allclose(np.linalg.norm(lights, axis=1), 1)
    assert (lights[:, 1] > 0).all()
    assert (lights[:, 2] > 0.6).all()
    assert 30 < (lights[:, 0] > 0).sum() < 70


def test_the_sensor_adds_its_noise_and_nothing_brighter_than_white() -> None:
    scene = draw_scene(np.random.default_rng(3))
    clean = np.full((64, 64, 3), 0.5)
    shot = [scene.sense(np.random.default_rng(seed), clean).astype(float) for seed in (0, 1)]
    measured = np.std(shot[0] - shot[1]) / np.sqrt(2)
    assert 0.95 * 255 * scene.noise < measured < 1.05 * np.hypot(255 * scene.noise, 12**-0.5)
    assert scene.sense(np.random.default_rng(0), np.ones((8, 8, 3))).max() <= 255

"""Synthetic scenes: sound banks, rooms, microphones, sampling and rendering."""

from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.scene import Scene, SceneRecipe
from earwitness.scenes.synthesizer import Synthesizer

__all__ = ["PoolConfig", "RirPool", "Scene", "SceneConfig", "SceneRecipe", "SoundBank", "Synthesizer"]

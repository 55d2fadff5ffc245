"""Synthetic scenes: sound bank, rooms, microphones, scene sampling, rendering."""

from earwitness.synthesis.bank import SoundBank
from earwitness.synthesis.pool import PoolConfig, RirPool
from earwitness.synthesis.sampler import SceneConfig
from earwitness.synthesis.scene import Scene, SceneRecipe
from earwitness.synthesis.synthesizer import Synthesizer

__all__ = ["PoolConfig", "RirPool", "Scene", "SceneConfig", "SceneRecipe", "SoundBank", "Synthesizer"]

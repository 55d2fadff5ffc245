"""Pictures of synthetic scenes. Other packages import from here only, not from the modules of this package."""

from earwitness.scenes.pictures.backgrounds import open_backgrounds
from earwitness.scenes.pictures.backgrounds import unused_files as unused_backgrounds
from earwitness.scenes.pictures.cutouts import CutoutLibrary
from earwitness.scenes.pictures.cutouts import unused_files as unused_cutouts
from earwitness.scenes.pictures.interior.panorama import draw_interior
from earwitness.scenes.pictures.perspective import view
from earwitness.scenes.pictures.scene_picture import DCASE_FPS, PictureRenderer, write_scene

__all__ = [
    "DCASE_FPS",
    "CutoutLibrary",
    "PictureRenderer",
    "draw_interior",
    "open_backgrounds",
    "unused_backgrounds",
    "unused_cutouts",
    "view",
    "write_scene",
]

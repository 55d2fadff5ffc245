from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.detectors.experimental import NUM_COCO, PoseFrame, read_heatmaps

SIZE = (256, 192)


def blob(x: float, y: float, rows: int = 64, columns: int = 48, wide: float = 2.0) -> NDArray[np.float32]:
    row, column = np.mgrid[:rows, :columns]
    return np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * wide**2)).astype(np.float32)


def test_peaks_between_pixels_are_found_where_they_are() -> None:
    rng = np.random.default_rng(0)
    frame = PoseFrame(0, 0, 47, 63, *SIZE)
    places = rng.uniform((3, 3), (44, 60), (NUM_COCO, 2))
    points = read_heatmaps(np.stack([blob(*place) for place in places]), frame)
    np.testing.assert_allclose(points[:NUM_COCO, :2], places, atol=0.05)
    assert (points[:NUM_COCO, 2] > 0.8).all()
    assert np.isnan(points[NUM_COCO, 0])  # COCO has no mouth


def test_peaks_at_the_edge_and_flat_maps_stay_on_a_pixel() -> None:
    maps = np.stack([blob(0, 0), blob(47, 63), blob(20, 0), np.zeros((64, 48), np.float32)])
    points = read_heatmaps(maps, PoseFrame(0, 0, 47, 63, *SIZE))
    np.testing.assert_allclose(points[:4, :2], [(0, 0), (47, 63), (20, 0), (0, 0)])
    assert points[3, 2] == 0


@pytest.mark.parametrize("box", [(100, 50, 160, 250), (100, 100, 300, 150), (-40, 20, 80, 380)])
def test_a_frame_has_the_shape_of_the_input_and_holds_the_box(box: tuple[int, ...]) -> None:
    frame = PoseFrame.around(np.array(box, np.float32), SIZE)
    width, height = frame.right - frame.left, frame.bottom - frame.top
    assert width / height == pytest.approx(SIZE[1] / SIZE[0])
    assert frame.left <= box[0]
    assert frame.bottom >= box[3]
    assert max(width / (box[2] - box[0]), height / (box[3] - box[1])) >= 1.25
    assert (frame.left + frame.right) / 2 == pytest.approx((box[0] + box[2]) / 2)


def test_what_is_at_a_place_in_the_crop_is_there_in_the_picture() -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[140:143, 300:303] = 255
    frame = PoseFrame.around(np.array((260, 60, 360, 300), np.float32), SIZE)
    crop = frame.crop(Image.fromarray(picture))[..., 0].astype(float)
    row, column = (float((crop * axis).sum() / crop.sum()) for axis in np.mgrid[: SIZE[0], : SIZE[1]])
    np.testing.assert_allclose(frame.to_picture(np.array([column, row]), SIZE), (301, 141), atol=0.1)


def test_crops_and_peaks_are_those_of_transformers() -> None:
    transformers = pytest.importorskip("transformers", reason="ViTPose needs the extra 'semantic'")
    torch = pytest.importorskip("torch", reason="ViTPose needs the extra 'semantic'")
    processor = transformers.VitPoseImageProcessorPil(
        size={"height": 256, "width": 192}, do_normalize=False, do_rescale=False
    )
    rows, columns = np.mgrid[:360, :640]
    smooth = 127 + 100 * np.sin(rows / 37) * np.cos(columns / 53)
    picture = np.repeat(smooth[..., None], 3, axis=2).astype(np.uint8)
    box = np.array((250, 60, 350, 300), np.float32)
    coco = [[[250.0, 60.0, 100.0, 240.0]]]
    theirs = processor([picture], boxes=coco, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    frame = PoseFrame.around(box, SIZE)
    ours = frame.crop(Image.fromarray(picture))
    np.testing.assert_allclose(ours[4:-4, 4:-4], theirs[4:-4, 4:-4], atol=1.5)
    rng = np.random.default_rng(1)
    maps = np.stack([blob(*place) for place in rng.uniform((4, 4), (43, 59), (NUM_COCO, 2))])
    output = transformers.models.vitpose.modeling_vitpose.VitPoseEstimatorOutput(heatmaps=torch.from_numpy(maps[None]))
    (found,) = processor.post_process_pose_estimation(output, boxes=coco)[0]
    points = read_heatmaps(maps, frame)
    np.testing.assert_allclose(points[:NUM_COCO, :2], np.asarray(found["keypoints"]), atol=0.1)
    np.testing.assert_allclose(points[:NUM_COCO, 2], np.asarray(found["scores"]), atol=1e-6)

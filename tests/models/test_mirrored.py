import numpy as np
import pytest
import torch

from earwitness.core.errors import UsageError
from earwitness.features import FeatureConfig, swap
from earwitness.models.configs.seld_config import SeldConfig
from earwitness.models.mirrored import MirroredNetwork
from earwitness.models.seld import SeldNet

FEATURES = FeatureConfig(mels=16, stpacc_bins=16, channels=("logmel_m", "intensity"))
TINY = SeldConfig(
    in_channels=2, mels=16, stem_width=4, stem_kernel=3, widths=(4, 8), pools=((5, 2), (1, 2)),
    dim=16, heads=2, blocks=1, conv_kernel=3, ffn_mult=2,
)  # fmt: skip


@pytest.mark.parametrize("channels", [("logmel_m", "intensity"), ("logmel_l", "logmel_r")])
def test_answers_to_the_mirror_image_are_mirrored(channels):
    torch.manual_seed(0)
    features = FEATURES.model_copy(update={"channels": channels})
    net = MirroredNetwork(SeldNet(TINY), features).eval()
    clip = np.random.default_rng(0).normal(size=(1, 2, 25, 16)).astype(np.float32)
    with torch.no_grad():
        plain, mirror = net(torch.from_numpy(clip)), net(torch.from_numpy(swap(clip, features).copy()))
    torch.testing.assert_close(mirror, plain * torch.tensor([1.0, -1.0, 1.0, 1.0]), rtol=1e-4, atol=1e-6)
    assert plain[..., 1].abs().max() > 1e-3


def test_is_the_mean_of_both_answers():
    torch.manual_seed(0)
    inner = SeldNet(TINY).eval()
    clip = torch.randn(2, 2, 25, 16)
    with torch.no_grad():
        mean = MirroredNetwork(inner, FEATURES).eval()(clip)
        other = inner.physical(inner(clip * torch.tensor([1.0, -1.0])[:, None, None]))
        other[..., 1] *= -1
        torch.testing.assert_close(mean, (inner.physical(inner(clip)) + other) / 2)


def test_needs_both_sides():
    with pytest.raises(UsageError, match="logmel_l and logmel_r together"):
        MirroredNetwork(SeldNet(TINY), FEATURES.model_copy(update={"channels": ("logmel_m", "logmel_l")}))

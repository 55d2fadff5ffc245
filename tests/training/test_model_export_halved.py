import onnx
import onnxruntime
import torch
from torch import nn

from earwitness.training.export.model_export import FEWEST, to_half_precision


def test_half_the_size_and_nearly_the_same_answers(tmp_path):
    torch.manual_seed(0)
    net, path = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 8)).eval(), tmp_path / "model.onnx"
    given = torch.randn(3, 64)
    torch.onnx.export(net, (given,), str(path), input_names=["given"], output_names=["said"], dynamo=False)
    whole = path.stat().st_size
    to_half_precision(path)
    assert path.stat().st_size < 0.6 * whole
    kinds = {tensor.data_type for tensor in onnx.load(str(path)).graph.initializer if len(tensor.dims) == 2}
    assert kinds == {onnx.TensorProto.FLOAT16}
    (said,) = onnxruntime.InferenceSession(str(path)).run(["said"], {"given": given.numpy()})
    difference = (torch.from_numpy(said) - net(given)).abs().max().item()
    assert 0 < difference < 2e-3


def test_small_weights_stay_as_they_are(tmp_path):
    net, path = nn.Linear(4, FEWEST // 4 - 1), tmp_path / "model.onnx"
    torch.onnx.export(net.eval(), (torch.randn(1, 4),), str(path), dynamo=False)
    before = onnx.load(str(path)).graph
    to_half_precision(path)
    assert onnx.load(str(path)).graph == before

import pytest

from earwitness.core.errors import TrainingError
from earwitness.training.loop.training_state import check_same_run, note_start
from fakes import tiny_recipe


@pytest.fixture
def run(tmp_path):
    note_start(tmp_path, tiny_recipe(), {})
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 9}, r"run\.steps was 6 and is 9"),
        ({"seed": 5}, r"run\.seed was 0 and is 5"),
        ({"batch": 8}, r"run\.batch was 4 and is 8"),
        ({"init_from": None, "precision": "bf16"}, r"run\.precision was fp32 and is bf16"),
    ],
)
def test_other_steps_or_seeds_are_refused_with_the_reason(run, change, message):
    with pytest.raises(TrainingError, match=message):
        check_same_run(run, tiny_recipe(**change), {})


def test_says_how_to_go_on_otherwise(run):
    with pytest.raises(TrainingError, match=r"run\.init_from="):
        check_same_run(run, tiny_recipe(steps=9), {})


def test_what_changes_no_result_may_change(run):
    check_same_run(run, tiny_recipe(workers=2, log_every=3, save_every=1, tensorboard=True, threads=2), {})
    check_same_run(run, tiny_recipe(), {})

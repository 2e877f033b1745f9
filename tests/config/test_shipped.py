from pathlib import Path

import pyarrow as pa
import pytest

from actor18m.config import shipped
from actor18m.config.licensed import Licence, check
from actor18m.config.pipeline import Pipeline, load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.errors import ActorError
from actor18m.policy.rules import judge


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two shipped pipelines."""
    (tmp_path / "shipped").mkdir()
    for name in ("cluster", "embedded"):
        (tmp_path / "shipped" / f"{name}.yaml").touch()
    monkeypatch.setattr(shipped, "folder", lambda: tmp_path / "shipped")
    return tmp_path / "shipped"


def test_a_bare_name_is_a_shipped_pipeline(two: Path) -> None:
    assert find_pipeline("embedded") == two / "embedded.yaml"


def test_a_file_that_is_there_comes_first(two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("embedded").touch()
    assert find_pipeline("embedded") == Path("embedded")


def test_a_folder_of_that_name_does_not(two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("embedded").mkdir()
    assert find_pipeline("embedded") == two / "embedded.yaml"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("embeded", r"no pipeline embeded ships .* did you mean embedded\?"),
        ("mine", "no pipeline mine ships .* there are: cluster, embedded"),
        ("mine.yaml", "mine.yaml: there is no such file. .* a shipped pipeline: cluster, embedded"),
        ("../embedded", "../embedded: there is no such file"),
        ("/", "/: is a folder. Name a pipeline's file in it"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(given: str, why: str, two: Path) -> None:
    with pytest.raises(ActorError, match=why):
        find_pipeline(given)


@pytest.mark.parametrize("path", shipped.shipped().values(), ids=lambda path: str(path.name))
def test_what_ships_is_valid(path: Path) -> None:
    assert load_pipeline(path).stages


def test_a_rule_that_has_a_columns_name_compares_that_column() -> None:
    """Else one word means two things: in the policy one number, in the dataset another."""
    for name in shipped.shipped():
        pipeline = load_pipeline(find_pipeline(name))
        for step in pipeline.stages:
            columns = step.stage_class.writes.columns.names
            for rule, said in pipeline.rules(step.name).items():
                assert rule not in columns or said.value in (None, rule), f"{name}: {rule}"


def named(name: str) -> Pipeline:
    return load_pipeline(find_pipeline(name))


def rules(pipeline: Pipeline) -> set[str]:
    return {f"{stage}.{rule}" for stage, of in pipeline.policy.items() for rule in of}


def test_the_clusters_rules_are_those_of_the_base() -> None:
    """A bound that is a backend's may be another one; that of composites is lost, and the asked judge brings one."""
    base, cluster = named("embedded"), named("cluster")
    assert rules(cluster) - rules(base) == {"judge.sure"}
    assert rules(base) - rules(cluster) == {"attribute_images.clean_cut"}, "nothing is composited"
    assert cluster.rules("identity")["mean_similarity"].bounds == {"at_least": 0.40}, "the paper's, of ArcFace"
    assert cluster.rules("motion")["neighbours"].bounds == {"at_least": 0.45}, "the paper's, of CLIP"
    assert cluster.identities is not None
    assert base.identities is not None
    assert cluster.identities.share == base.identities.share


def test_the_papers_rules_over_the_clusters_models() -> None:
    paper, cluster, both = named("paper"), named("cluster"), named("paper-cluster")
    assert both.stages == cluster.stages
    assert rules(both) - {"judge.sure"} == rules(paper) - {"attribute_images.clean_cut"}
    assert both.rules("identity") == paper.rules("identity")
    assert both.rules("motion")["neighbours"].bounds == {"at_least": 0.45}


def test_with_torch_only_how_long_videos_are_split_is_another_matter() -> None:
    plain, torch, cluster = named("embedded"), named("embedded-torch"), named("cluster")
    assert torch.model_dump(exclude={"name", "split"}) == plain.model_dump(exclude={"name", "split"})
    assert torch.split is not None
    assert cluster.split is not None
    assert plain.split is not None
    assert torch.split.mode == "none", "asked for, as with the others"
    assert torch.split.shots == cluster.split.shots
    assert torch.split.shots != plain.split.shots


def test_no_terms_forbid_the_commercial_pipeline() -> None:
    assert check(named("commercial"), Licence.commercial), "what they leave open is told"
    with pytest.raises(ActorError, match="arcface"):
        check(named("cluster"), Licence.commercial)
    assert rules(named("commercial")) == rules(named("cluster"))


@pytest.mark.parametrize("maker", ["crops", "view_images"])
def test_a_mask_stays_on_which_nobody_gives_a_second_opinion(maker: str) -> None:
    cluster = named("cluster")
    told = pa.table({"key": ["asked", "doubted", "alone"], "agreement": pa.array([0.95, 0.5, None], pa.float32())})
    assert judge(told, cluster.rules(maker))["passed"].to_pylist() == [True, False, True]
    assert "second" not in cluster.step(maker).roles
    assert "second" in named("embedded").step(maker).roles

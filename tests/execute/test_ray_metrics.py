"""What Ray exports of a build, and the dashboard that is made of it."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from urllib.request import urlopen

import pytest
import ray

from actor18m.building.listener import Silent
from actor18m.execute.ray_metrics import Metered
from actor18m.shipped import manifest
from tests.docs.page import DOCS

pytestmark = pytest.mark.slow
PATIENCE_S = 60
_SAMPLE = re.compile(r"(ray_actor18m_\w+)\{(.*)\} (\S+)")
Samples = Mapping[str, list[tuple[Mapping[str, str], float]]]


@pytest.fixture(scope="module")
def exported() -> Iterator[Samples]:
    """All that Ray's endpoint tells of a build of one stage, once all of it has come."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    told = Metered(Silent(), {"edit": 0.5})
    told.expect("edit", 12)
    told.started("edit", 9)
    told.came("edit", 5, 20.0, 25.0, {"gpu_seconds": 10.0, "requests": 6, "tokens": 700, "dollars": 0.25})
    told.lost("edit", "killed")
    told.returned("edit", 1)
    told.ended("edit", ok=2, rejected=1, failed=1, quarantined=1, unavailable=1)
    told.holds({"edit": 30.0})
    told.holds({"edit": 50.0})
    yield _scraped(until="ray_actor18m_gpu_seconds_held_total")
    ray.shutdown()


def _scraped(until: str) -> Samples:
    (node,) = ray.nodes()  # type: ignore[no-untyped-call]
    address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    end = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        with urlopen(address, timeout=10) as answer:
            for name, labels, value in _SAMPLE.findall(str(answer.read(), "utf-8")):
                found.setdefault(name, []).append((dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))
        if until in found:
            return found
        assert time.monotonic() < end, sorted(found)
        time.sleep(0.5)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("clips_pending", {}, 6),
        ("clips_in_flight", {}, 2),
        ("clips_measured_total", {}, 3),
        ("clips_rejected_total", {}, 1),
        ("clips_failed_total", {}, 1),
        ("clips_quarantined_total", {}, 1),
        ("clips_unavailable_total", {}, 1),
        ("clips_returned_total", {}, 1),
        ("calls_lost_total", {"kind": "killed"}, 1),
        ("worker_seconds_total", {}, 20),
        ("worker_seconds_held_total", {}, 50),
        ("gpu_seconds_total", {}, 10),
        ("gpu_seconds_held_total", {}, 25),
        ("spent_total", {"cost": "requests"}, 6),
        ("spent_total", {"cost": "tokens"}, 700),
        ("spent_total", {"cost": "dollars"}, 0.25),
        ("call_seconds_count", {}, 1),
        ("call_seconds_bucket", {"le": "30.0"}, 1),
        ("call_seconds_bucket", {"le": "10.0"}, 0),
    ],
)
def test_a_stage_is_told_of(exported: Samples, name: str, labels: Mapping[str, str], value: float) -> None:
    wanted = {"stage": "edit", **labels}
    found = [told for about, told in exported[f"ray_actor18m_{name}"] if wanted.items() <= about.items()]
    assert found == [value]


def test_the_dashboard_asks_for_what_is_exported_alone(exported: Samples) -> None:
    dashboard = json.loads(manifest("grafana.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [variable["definition"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    named = {name for text in asked for name in re.findall(r"\bray_\w+", text)}
    assert named <= exported.keys()
    assert exported.keys() - named <= {"ray_actor18m_call_seconds_count", "ray_actor18m_call_seconds_sum"}
    labels = {label for samples in exported.values() for about, _ in samples for label in about}
    used = {label for text in asked for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")}
    assert used <= labels
    assert {title for panel in dashboard["panels"] if not panel["targets"] for title in panel["title"]} == set()


def test_the_page_on_clusters_lists_each(exported: Samples) -> None:
    page = (DOCS / "clusters.md").read_text()
    listed = set(re.findall(r"`actor18m_(\w+)`", page))
    names = {re.sub(r"^ray_actor18m_|_total$|_(bucket|count|sum)$", "", name) for name in exported}
    assert listed == names

"""What the pipeline's backends need: weights, libraries, a GPU."""

import ctypes
import importlib.metadata
import importlib.util
import shutil
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from actor18m.config.own_python import trouble_with
from actor18m.config.pipeline import Pipeline, load_pipeline
from actor18m.config.stage_config import Step
from actor18m.doctor.check import Check, State, carried_out
from actor18m.doctor.machine import visible_gpus
from actor18m.media.readers import Reader, ready
from actor18m.models.backends import WEIGHTLESS, backend_class
from actor18m.models.endpoint import Endpoint
from actor18m.models.libraries import extra
from actor18m.models.lock import Model, read_lock
from actor18m.models.onnx_network import OnnxParameters, sees_gpu
from actor18m.models.sizes import sizes_of
from actor18m.models.snapshots import state_of
from actor18m.models.weights import folder, verify
from actor18m.stage import ReadingParameters

_MEDIAPIPE = "mediapipe"
_BESIDE = (_MEDIAPIPE, "ultralytics")
"""Libraries that no extra has, since each would bring another OpenCV along."""
_MORE_ROOM = "free some space, or set ACTOR18M_MODELS to a folder on a larger disk"
_EGL = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}
_ON_CPUS = "embedded"
_LIKE_HERE = {
    "conda": "install conda and make the environment, with actor18m, its requirements and Ray",
    "py_executable": "put a Python with actor18m, its requirements and Ray there",
}


def pipeline(file: Path) -> Iterator[Check]:
    """The file itself, and what its backends need: without that it cannot run."""
    loaded = load_pipeline(file)
    yield Check("pipeline", "ok", f"{file}: {', '.join(loaded.stage_names)}")
    yield from _gpu(loaded)
    named = [backend for step in loaded.steps for backend in step.roles.values()]
    backends = {name for backend in named for name in (backend.name, *backend.parameters.adapters)}
    models = read_lock().models
    checkouts = [backend for backend in named if hasattr(backend_class(backend.name), "not_on_an_index")]
    yield from _of(
        {name: models[name] for name in sorted(backends & models.keys())},
        is_needed=True,
        elsewhere={backend_class(backend.name).not_on_an_index for backend in checkouts},
    )
    for backend in checkouts:
        state, said, fix = backend_class(backend.name).look(backend.parameters)
        yield Check("checkout", state, f"of the code of {backend.name}: {said}", fix)
    yield from _readers(loaded)
    yield from _pythons(loaded)
    yield from _endpoints(loaded)
    if own := sorted(backends - models.keys() - WEIGHTLESS.keys()):
        yield Check("own backends", "ok", f"{', '.join(own)}: not looked at, since they are not in the model lock")


def _endpoints(loaded: Pipeline) -> Iterator[Check]:
    """Of backends that ask somebody else, each endpoint once, with the stages that ask it."""
    asking = dict[tuple[str, str], list[str]]()
    found = dict[tuple[str, str], Endpoint]()
    for step in loaded.steps:
        for role, backend in step.roles.items():
            if (endpoint := getattr(backend_class(backend.name), "endpoint", None)) is not None:
                key = backend.name, backend.parameters.model_dump_json()
                asking.setdefault(key, []).append(f"{step.name}.roles.{role}")
                found[key] = endpoint(backend.parameters)
    for key, places in asking.items():
        endpoint = found[key]
        by = ", ".join(places)
        for state, said, fix in endpoint.look():
            yield Check("endpoint", state, f"{endpoint.url}, asked by {by}: {said}", fix)


def _readers(loaded: Pipeline) -> Iterator[Check]:
    """Who decodes, where it is not PyAV."""
    for step in loaded.steps:
        if isinstance(step.parameters, ReadingParameters) and (reader := step.parameters.reader) != "pyav":
            yield from carried_out("readers", partial(_reader, step, reader))


def _reader(step: Step, reader: Reader) -> Iterator[Check]:
    if reader == "nvdec" and not step.run.gpus:
        fix = f"claim a part of one: --set {step.name}.run.gpus=0.1"
        yield Check("readers", "fail", f"{step.name} is read by nvdec, and its workers claim no GPU", fix)
        return
    ready("torchcodec" if reader == "nvdec" else reader)  # whether there is a GPU here, another look tells
    yield Check("readers", "ok", f"{step.name} is read by {reader}")


def _pythons(loaded: Pipeline) -> Iterator[Check]:
    """Which stages name for their workers; those of a cluster's other machines a build looks at."""
    for step in loaded.steps:
        environment = step.run.environment
        key = "conda" if environment.conda is not None else "py_executable"
        named = environment.shown if environment.conda is not None else environment.py_executable
        if (trouble := trouble_with(environment)) is not None:
            fix = (
                f"{_LIKE_HERE[key]}, of the versions of here, on each machine that builds, or correct "
                f"{step.name}.run.environment.{key}"
            )
            found = f"{step.name} names {named}, which on this machine {trouble}"
            yield Check("pythons", "fail", found, fix)
        elif named is not None:
            yield Check("pythons", "ok", f"{step.name} runs with {named}")


def all_models() -> Iterator[Check]:
    """The small ones of the model lock: nobody said which are needed, and nobody wants all that are large."""
    yield from _of(read_lock().named(profile=_ON_CPUS), is_needed=False)


def _of(models: dict[str, Model], is_needed: bool, elsewhere: Collection[str] = ()) -> Iterator[Check]:
    """Libraries that are not on an index are looked at elsewhere."""
    bad: State = "fail" if is_needed else "warn"
    states = dict[str, str](verify(read_lock().model_copy(update={"models": models})))
    states |= {name: state_of(name) for name, model in models.items() if model.snapshot}
    if not models:
        yield Check("weights", "ok", "the pipeline needs none")
    elif wrong := [f"{name} is {state}" for name, state in states.items() if state != "ok"]:
        lacking = [name for name, model in models.items() if any(states[each] != "ok" for each in _parts(name, model))]
        size, free = sizes_of({name: models[name] for name in lacking}), _free(folder())
        room = f"{size} to fetch, {free / 1e9:,.1f} GB free there"
        found = f"in {folder()}: {', '.join(wrong)}; {room}"
        if free < size.bytes:
            yield Check("room for weights", bad, f"{folder()}: {room}", _MORE_ROOM)
        yield Check("weights", bad, found, f"actor18m models pull {' '.join(lacking)}")
    else:
        yield Check("weights", "ok", f"of {', '.join(models)}, in {folder()}")
    profiles = {library: model.profile for model in models.values() for library in model.code.library.split(" and ")}
    libraries = sorted(profiles.keys() - set(elsewhere))
    if absent := [name for name in libraries if not _is_installed(name)]:
        fix = extra(",".join(sorted({profiles[name] for name in absent}))) + _beside(absent)
        yield Check("model libraries", bad, f"{', '.join(absent)} not installed", fix)
    elif libraries:
        yield Check("model libraries", "ok", ", ".join(libraries))
    if _MEDIAPIPE in libraries:
        yield _drawing_libraries(bad)


def _free(place: Path) -> int:
    """In bytes, where the folder is or will be made."""
    there = next(each for each in (place.absolute(), *place.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def _parts(name: str, model: Model) -> list[str]:
    """What has a state: each single file, or a snapshot as a whole."""
    return [name] if model.snapshot else [file.name for file in model.files]


def _is_installed(name: str) -> bool:
    """The lock names what pip installs, or what Python imports: ai-edge-litert is imported as ai_edge_litert, and dlib
    installed as dlib-bin.
    """
    if importlib.util.find_spec(name.replace("-", "_")) is not None:
        return True
    try:
        importlib.metadata.distribution(name)
        return True
    except importlib.metadata.PackageNotFoundError:
        return False


def _beside(absent: Sequence[str]) -> str:
    alone = " ".join(name for name in absent if name in _BESIDE)
    return f", and then pip install -c constraints.txt --no-deps {alone}" if alone else ""


def _drawing_libraries(bad: State) -> Check:
    """mediapipe loads them even to compute on a CPU."""
    if missing := [file for file in _EGL if not _loads(file)]:
        fix = f"on Debian: apt-get install {' '.join(_EGL[file] for file in missing)}"
        return Check("system libraries", bad, f"mediapipe needs {', '.join(missing)}", fix)
    return Check("system libraries", "ok", f"{', '.join(_EGL)}, for mediapipe")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
        return True
    except OSError:
        return False


def _gpu(loaded: Pipeline) -> Iterator[Check]:
    """Whether there is one where a stage claims it, and whether onnxruntime can use it."""
    claiming = [step for step in loaded.steps if step.run.gpus]
    if not claiming:
        return
    if not visible_gpus()[0]:
        found = f"{', '.join(step.name for step in claiming)}: `run.gpus` claims GPUs, and this machine shows none"
        yield Check("gpus of the pipeline", "warn", found, "build where the GPUs are: ray job submit, or --address")
        return
    idle = {
        backend.name
        for step in claiming
        for backend in step.roles.values()
        if isinstance(backend.parameters, OnnxParameters) and backend.parameters.device != "cpu"
    }
    if idle and _is_installed("onnxruntime") and not sees_gpu():
        found = f"this onnxruntime runs on the CPU alone, and so do {', '.join(sorted(idle))}"
        yield Check(
            "gpus of the pipeline", "warn", found, "pip uninstall onnxruntime, then pip install onnxruntime-gpu"
        )

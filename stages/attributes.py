"""Which self-crops are asked for once more in another environment and light, with another expression or motion.

Each request draws by itself, from its clip's key and its own name: over many clips every entry of the pool comes as
often as any other, no clip has a place twice, and one more entry changes only the requests that it wins.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pyarrow import field, float32, list_, string, struct
from pydantic import NonNegativeInt, model_validator

from actor18m.keys import fingerprint, rendezvous
from actor18m.stage import Clip, Failure, Parameters, Requests, Row, Stage, schema
from stages.pool import Environment, Lighting, Pool, Told, pool, pool_digest
from stages.select import Select

_Entry = TypeVar("_Entry", Environment, Lighting, Told)
Attribute = Literal["environment", "lighting", "expression", "motion"]
PAINTING = struct([("scene", string()), ("palette", list_(string())), ("density", float32())])
LIGHT = struct(
    [
        ("key", string()),
        ("fill", string()),
        *((name, float32()) for name in ("elevation_deg", "strength", "rim", "person_ev", "place_ev")),
    ]
)
_WANTED = struct(
    [
        *(field(name, string(), nullable=False) for name in ("name", "region", "source_image", "viewpoint")),
        field("yaw_deg", float32(), nullable=False),
        field("environment", string()),
        field("environment_text", string()),
        field("place", string()),
        field("lighting", string()),
        field("lighting_text", string()),
        field("expression", string()),
        field("expression_text", string()),
        field("motion", string()),
        field("motion_text", string()),
        field("painting", PAINTING),
        field("light", LIGHT),
    ]
)
"""Names and words of what was drawn; null where nothing was. `painting` and `light` are for a compositor."""


class AttributesParameters(Parameters):
    """How many are asked for of each clip, and what may be drawn."""

    faces: NonNegativeInt = 2
    bodies: NonNegativeInt = 2
    draws: tuple[Attribute, ...] = ("environment", "lighting", "expression", "motion")
    only_painted: bool = False
    """Draws only environments that the compositor's painter gives credibly, each in a light that it is credible in."""

    def may_draw(self, environment: Environment) -> bool:
        return environment.painting is not None or not self.only_painted

    @model_validator(mode="after")
    def _are_enough(self) -> "AttributesParameters":
        """No clip is shown in one environment twice, and none as it is."""
        if not self.draws:
            raise ValueError(
                "draws is empty, so nothing would differ in an image: name some of environment, lighting, expression, "
                "motion; or ask for no images with faces: 0 and bodies: 0, or take the subset out"
            )
        there, wanted = sum(self.may_draw(each) for each in pool().environments), self.faces + self.bodies
        if wanted > there:
            painted = " that can be painted" if self.only_painted else ""
            raise ValueError(
                f"faces and bodies ask for {wanted} images a clip, and there are {there} environments{painted}"
            )
        return self


class Attributes(Stage):
    version = 1
    reads_source = False
    requests = Requests("wanted", "attribute", private=("painting", "light"), made_from=("self",))
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {Select: ("references",)}
    writes = schema("attributes", wanted=list_(_WANTED))
    parameters = AttributesParameters()

    @classmethod
    def fingerprint(cls, parameters: Parameters, backends: Mapping[str, tuple[str, str]]) -> str:
        """Of the pool, too."""
        told = {**parameters.model_dump(mode="json"), "pool": pool_digest()}
        return fingerprint(cls.writes.name, cls.version, told, backends)

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            references = clip.upstream["select"]["references"] or []
            yield Row(clip.key, {"wanted": drawn(clip.key, references, self.parameters, pool())})


def drawn(
    key: str, references: Sequence[Mapping[str, Any]], of: AttributesParameters, entries: Pool
) -> list[dict[str, Any]]:
    """Requests of one clip."""
    taken, found = set[str](), list[dict[str, Any]]()
    for region, count in (("face", of.faces), ("body", of.bodies)):
        # the clearest one first, then the others in turn
        sources = sorted((r for r in references if r["region"] == region), key=lambda r: not r["is_clearest"])
        for number in range(count if sources else 0):
            source, name = sources[number % len(sources)], f"{region}-attribute-{number + 1:02d}"
            request = _request(key, name, source, of, entries, taken)
            taken.add(request["environment"])
            found.append(request)
    return found


def _request(
    key: str, name: str, source: Mapping[str, Any], of: AttributesParameters, entries: Pool, taken: set[str]
) -> dict[str, Any]:
    environment = lighting = None
    if "environment" in of.draws:
        free = [each for each in entries.environments if each.name not in taken and of.may_draw(each)]
        environment = _one(free, key, name, "environment")
    if "lighting" in of.draws:
        lighting = _one(_lightings(environment, of, entries), key, name, "lighting")
    is_body, is_back = source["region"] == "body", source["viewpoint"] == "back"
    # nobody sees an expression from behind, nor in a face alone what a body does
    expression = (
        _one(entries.expressions, key, name, "expression") if "expression" in of.draws and not is_back else None
    )
    motion = _one(entries.motions, key, name, "motion") if "motion" in of.draws and is_body else None
    painting = environment and environment.painting
    return {
        "name": name,
        "region": source["region"],
        "source_image": source["name"],
        "viewpoint": source["viewpoint"],
        "yaw_deg": source["yaw_deg"],
        "environment": environment and environment.name,
        "environment_text": environment and environment.text,
        "place": environment and environment.place,
        "lighting": lighting and lighting.name,
        "lighting_text": lighting and _words(lighting, environment),
        "expression": expression and expression.name,
        "expression_text": expression and expression.text,
        "motion": motion and motion.name,
        "motion_text": motion and motion.text,
        "painting": painting and {"scene": painting.scene, "palette": [*painting.palette], "density": painting.density},
        "light": lighting and lighting.light,
    }


def _lightings(environment: Environment | None, of: AttributesParameters, entries: Pool) -> Sequence[Lighting]:
    if not of.only_painted or environment is None or environment.painting is None:
        return entries.lightings
    return [each for each in entries.lightings if each.name in environment.painting.lightings]


def _words(lighting: Lighting, environment: Environment | None) -> str:
    return lighting.indoor if environment is not None and environment.place == "indoor" else lighting.outdoor


def _one(entries: Sequence[_Entry], key: str, name: str, attribute: str) -> _Entry:
    names = [each.name for each in entries]
    return entries[names.index(rendezvous(f"{key}-{name}", names, f"attributes {attribute}"))]

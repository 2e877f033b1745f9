"""What a backend can be told: those of its numbers and names that change its results, and those that do not."""

from typing import Annotated, Any, TypeVar

from actor18m.yaml_file import Section

_NO_EFFECT = "no effect on results"
Value = TypeVar("Value")
NoEffect = Annotated[Value, _NO_EFFECT]
"""The type of a parameter that changes how fast, where or at what price results come, and never what they are: a
device, a batch, an endpoint. It is no part of any fingerprint, and of no dataset."""
_ADAPTER = "an adapter of the model lock"
Adapter = Annotated[Value, _ADAPTER]
"""The type of a parameter that names further weights of the model lock, or none: a LoRA. What these are pinned to is in
the fingerprint, too."""


class BackendParameters(Section):
    """A backend's class has its own, with every default: `parameters = DetectorParameters()`. All are part of the
    fingerprint but for those of type `NoEffect[...]`."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "backend" in cls.model_fields:
            raise TypeError(f"{cls.__name__}: a parameter cannot be called backend, which names the backend itself")

    @classmethod
    def without_effect(cls) -> frozenset[str]:
        return frozenset(name for name, field in cls.model_fields.items() if _NO_EFFECT in field.metadata)

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the model lock, of weights that are needed beside the backend's own."""
        return tuple(self.adapter_of.values())

    @property
    def adapter_of(self) -> dict[str, str]:
        """By the parameter that names it."""
        fields = [name for name, field in type(self).model_fields.items() if _ADAPTER in field.metadata]
        return {name: adapter for name in fields if (adapter := getattr(self, name)) is not None}

    def that_count(self) -> dict[str, Any]:
        """Those that change results, as plain values."""
        return self.model_dump(mode="json", exclude=set(self.without_effect()))

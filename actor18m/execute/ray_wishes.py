"""What a build could use beyond the machines that there are, said so that an autoscaler hears it.

Each wish is a placement group of one worker's size, which waits for a machine that has room for it. That is withdrawn
with the build however it ends, and counts beside what others ask for; what `ray.autoscaler.sdk.request_resources` asks
for stays when its process is killed, and takes the place of what anybody else asked. A group that found room holds it
against others until it is withdrawn, which is when the build looks at its machines and hires there.
"""

from collections import Counter
from typing import Any

from ray.util.placement_group import placement_group, placement_group_table, remove_placement_group

Size = tuple[float, float]
"""CPUs and GPUs."""


class Wishes:
    def __init__(self) -> None:
        self._waiting: list[tuple[Size, Any]] = []

    def are(self, wanted: Counter[Size]) -> None:
        """These from now on."""
        missing, waiting = wanted.copy(), []
        for size, group in self._waiting:
            if missing[size] > 0 and _is_waiting(group):
                missing[size] -= 1
                waiting.append((size, group))
            else:
                remove_placement_group(group)
        waiting += [(size, _wish(size)) for size in (+missing).elements()]
        self._waiting = waiting


def _wish(size: Size) -> Any:
    resources = {name: amount for name, amount in zip(("CPU", "GPU"), size, strict=True) if amount}
    return placement_group([resources])


def _is_waiting(group: Any) -> bool:
    return bool(placement_group_table(group).get("state") == "PENDING")

"""What stages cost: the names that they are told by, and what is paid for them."""

from collections.abc import Mapping

from pydantic import NonNegativeFloat

from actor18m.yaml_file import Section

REQUESTS, GPU_SECONDS = "requests", "gpu_seconds"
"""Costs that workers count: attempts of a stage that waits; what a stage claims of a GPU, times how long it works."""
DOLLARS, TOKENS, SECONDS = "dollars", "tokens", "seconds"
"""What stages that pay for something say that they cost; and the time of one worker."""


class DollarsPer(Section):
    """What is paid for what a stage costs, beside the dollars that its rows tell."""

    gpu_hour: NonNegativeFloat = 0
    request: NonNegativeFloat = 0
    thousand_tokens: NonNegativeFloat = 0

    def of(self, costs: Mapping[str, float]) -> float:
        """Dollars for these."""
        return (
            self.gpu_hour * costs.get(GPU_SECONDS, 0.0) / 3600
            + self.request * costs.get(REQUESTS, 0.0)
            + self.thousand_tokens * costs.get(TOKENS, 0.0) / 1000
        )

import pytest

from actor18m.catalog.licences import strictest


@pytest.mark.parametrize(
    ("given", "binds"),
    [
        (["CC0-1.0", "CC-BY-4.0"], "CC-BY-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-SA-4.0", "MIT"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0"], "CC-BY-NC-ND-4.0"),
        (["All rights reserved", "CC-BY-NC-ND-4.0"], "All rights reserved"),
        (["house rules", "CC-BY-NC-SA-4.0"], "house rules"),
        (["Apache-2.0", "MIT"], "Apache-2.0"),
        (["Proprietary", None], None),
        ([], None),
    ],
)
def test_the_licence_that_binds_most_counts_and_none_binds_more_than_any(
    given: list[str | None], binds: str | None
) -> None:
    assert strictest(given) == binds
    assert strictest(given[::-1]) == binds

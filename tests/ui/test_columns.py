"""Columns share the width of a table: what is short is never wrapped for the sake of what is long."""

from __future__ import annotations

import pytest

from ui.widgets.columns import shares


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ([60, 100, 80], [60, 100, 80]),
        ([60, 900, 80], [60, 460, 80]),
        ([150, 600, 60, 350], [150, 195, 60, 195]),
        ([400, 400, 400], [200, 200, 200]),
        ([], []),
    ],
)
def test_short_columns_get_what_they_want_and_long_ones_share_the_rest(wanted: list[int], given: list[int]) -> None:
    assert shares(600, wanted) == given

"""An unchanged mix: weights that give every segment, at every time, the share it had before go-live.

Direct standardisation (Fleiss, Levin, Paik 2003, ch. 19). What is left of a change then happened within segments.
"""

from __future__ import annotations

import numpy as np

from metrics.question import Bools, Floats, Ints, Times

WINDOW_ROWS, MIN_WINDOW_DAYS = 150, 28


def standard_weights(code: Ints, day: Times, den: Floats, is_live: Bools) -> Floats:
    """One weight a row. code: its segment; is_live: whether its team had gone live.

    Windows are long enough to hold WINDOW_ROWS rows; those of teams that have gone live are weighted apart from the
    others. A segment that is missing in a window leaves its share to the others.
    """
    if is_live.all() or len(code) == 0:
        return np.ones(len(code))
    count = int(code.max()) + 1
    before = np.bincount(code[~is_live], weights=den[~is_live], minlength=count)
    usual = before / max(float(before.sum()), 1e-12)
    since = (day - day.min()).astype("timedelta64[D]").astype(np.int64)
    length = max(MIN_WINDOW_DAYS, int(np.ceil(WINDOW_ROWS * (since.max() + 1) / len(since))))
    window = (since // length) * 2 + is_live
    place = window * count + code
    held = np.bincount(place, weights=den, minlength=(int(window.max()) + 1) * count).reshape(-1, count)
    expected = np.where(held > 0, usual[None, :], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = expected / expected.sum(1, keepdims=True) * held.sum(1, keepdims=True) / held
    weight = np.where(np.isfinite(weight) & (weight > 0), weight, 1.0)
    return np.asarray(weight[window, code])

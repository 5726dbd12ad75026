"""Fit a season to series: a process of its own, which reads a line of JSON and writes one for each.

Run as `python -m service.forecasts.operations.fitting`. Nothing else imports this: servers would
carry 100 MB of SciPy and pandas.
"""

import sys
import warnings
from collections.abc import Iterator

import msgspec
import pandas as pd
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from service.core.json_text import to_json
from service.forecasts.states import HORIZON, Expected, Fitted, Wanted

_ALPHAS = (0.2, 0.05)


def fitted(wanted: Wanted) -> Fitted:
    """Return the days to come: of two models the one that explains more with less (AICc).

    Both add their season and their errors: net revenue may be 0, or less.
    """
    values = pd.Series(wanted.values, dtype=float)
    scale = float(values.abs().max()) or 1.0
    models = [
        ETSModel(
            values / scale,
            error="add",
            trend=trend,
            damped_trend=trend is not None,
            seasonal="add",
            seasonal_periods=wanted.season,
        ).fit(disp=False)
        for trend in (None, "add")
    ]
    best = min(models, key=lambda one: float(one.aicc))
    prediction = best.get_prediction(start=len(values), end=len(values) + HORIZON - 1)
    frames = [prediction.summary_frame(alpha=alpha) for alpha in _ALPHAS]
    columns = [frames[0]["mean"], *(f[end] for f in frames for end in ("pi_lower", "pi_upper"))]
    trend = "N" if best is models[0] else "Ad"
    rows = zip(*columns, strict=True)
    days = [Expected(*(round(float(one) * scale) for one in row)) for row in rows]
    return Fitted(f"ETS(A,{trend},A), season of {wanted.season} days", days)


def answers(lines: Iterator[str]) -> Iterator[bytes]:
    """Yield the answer to each line."""
    for line in lines:
        yield to_json(fitted(msgspec.json.decode(line, type=Wanted)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for answer in answers(iter(sys.stdin)):
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()

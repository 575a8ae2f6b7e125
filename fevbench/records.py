"""What every stored record is made of: fields that are all known, and numbers that are finite."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from fevbench.sanitise import one_line

LARGEST = 1e30
"""No number of a record is larger: so that sums and squares of untrusted results are finite."""


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a value must be finite; an absent one is null with a reason")
    if abs(value) > LARGEST:
        raise ValueError(f"a value must not be larger than {LARGEST:g}")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
"""A float that is neither NaN nor infinite, and at most `LARGEST` in size."""


class Record(BaseModel):
    """What every part of a stored file is: no unknown field, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def first_fault(error: ValidationError) -> str:
    """What is wrong with a record first, and where in it."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {one_line(first['msg'])}"

"""Targets of runs as pyarrow tables."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Fault, NotATable, RunNotSucceeded
from .models import Outcome, RunState

if TYPE_CHECKING:
    import pyarrow

_FORMATS = {"parquet": "parquet", "ipc": "ipc"}


def _not_a_table(message: str, hint: str) -> NotATable:
    return NotATable(Fault("not_a_table", message, hint, blame="user"))


async def read_table(outcome: Outcome, unit: str, component: str) -> pyarrow.Table:
    """Reads what a load unit has written, in a thread. `component` may be empty: the file's name then says its format."""
    if outcome.state not in (RunState.SUCCEEDED, RunState.PARTIAL):
        raise RunNotSucceeded(outcome)
    loads = {each.unit: each.target for each in outcome.units if each.role == "load"}
    if unit not in loads:
        raise _not_a_table(f"run {outcome.run} has no load unit {unit}", f"it has {', '.join(loads) or 'none'}")
    target = loads[unit]
    suffix = {".parquet": "parquet", ".arrow": "ipc", ".ipc": "ipc", ".feather": "ipc"}.get(Path(target).suffix, "")
    format = _FORMATS.get(component or suffix)
    if format is None:
        raise _not_a_table(f"unit {unit} writes {component or 'something else'}", "only parquet and ipc can be read as a table")
    if not Path(target).exists():
        raise _not_a_table(f"there is no {target} on this machine", "the node wrote it on its own machine")
    try:
        from pyarrow import dataset
    except ImportError:
        raise _not_a_table("pyarrow is not installed", "pip install 'sluice-client[tables]'") from None
    return await asyncio.to_thread(lambda: dataset.dataset(target, format=format).to_table())

"""Client of Sluice, a distributed ETL engine: submit pipelines, follow events, wait for outcomes, with asyncio.

    async with Client() as client:
        run = await client.submit("p.yaml", params={"day": "2024-05-01"})
        async for event in run.events():
            print(event.type, event.unit)
        outcome = await run
"""

from .client import Client, Param
from .errors import (AlreadyRunning, Fault, IdempotencyKeyReused, NodeUnreachable, NotATable, NotStarted, PipelineRejected, RunNotFound,
                     RunNotSucceeded, SluiceError, Unauthorized)
from .local import LocalRun, run_local
from .models import Event, Outcome, RunInfo, RunState, UnitSummary
from .run import Run
from .webhooks import InvalidSignature, WebhookReceiver, verify

__all__ = ["AlreadyRunning", "Client", "Event", "Fault", "IdempotencyKeyReused", "InvalidSignature", "LocalRun", "NodeUnreachable",
           "NotATable", "NotStarted", "Outcome", "Param", "PipelineRejected", "Run", "RunInfo", "RunNotFound", "RunNotSucceeded", "RunState",
           "SluiceError", "Unauthorized", "UnitSummary", "WebhookReceiver", "run_local", "verify"]

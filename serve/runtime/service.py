"""State that the routes of a worker share: champion,
store, counters, traces, drift and challenger.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import numpy as np
from opentelemetry.trace import Span
from sqlalchemy import Engine

from fraud_core.errors import ParameterError
from serve.features.entities import HistoryReader
from serve.http.request_body import Bodies
from serve.scoring.champion import Champion, ChampionSlot, load_or_kept
from serve.scoring.kept_bundle import KeptBundle
from serve.scoring.shadow import Shadow
from serve.scoring.traffic_drift import WIRE_STATES, Traffic
from serve.settings import Settings
from serve.store.group_commit import GroupWriter, StoreUnavailable
from serve.store.prepare import prepare_tables
from serve.store.tables import audit, new_id, now_us, open_engine
from serve.telemetry.counters import Counters
from serve.telemetry.spans import Telemetry


def check_feature_store(settings: Settings, champion: Champion) -> None:
    """Refuse a feature store that is not there, or that the model has no use for.

    Raises
    ------
    ParameterError
        Naming the setting.
    """
    if settings.feature_store is None:
        return
    if not settings.feature_store.is_file():
        raise ParameterError(
            f"FRAUD_FEATURE_STORE: {settings.feature_store.name[:60]}: no such file; give Feast's "
            "configuration"
        )
    if champion.bundle.contract.entities is None:
        raise ParameterError(
            "FRAUD_FEATURE_STORE: the model that serves is not one of customers and terminals; "
            "leave it out, or serve "
            "models/entities (FRAUD_MODEL_DIR)"
        )


def kept_champion(settings: Settings) -> KeptBundle:
    """The copy of the champion from which a worker can start."""
    return KeptBundle(settings.state_dir / "verified" / "champion")


def kept_challenger(settings: Settings) -> KeptBundle:
    """The copy of the challenger."""
    return KeptBundle(settings.state_dir / "verified" / "challenger")


def open_histories(settings: Settings) -> HistoryReader | None:
    """The feature store that the settings name, or None.

    Raises
    ------
    ParameterError
        When it cannot be used.
    """
    if settings.feature_store is None:
        return None
    try:
        # Imported here: a service without a feature store must not carry its library.
        from serve.features.feast_store import FeastHistories
    except ModuleNotFoundError as error:
        raise ParameterError(
            f"FRAUD_FEATURE_STORE: {error.name} is not installed; install the extra `features`"
        ) from error
    return FeastHistories(settings.feature_store)


@dataclass
class Service:
    """One worker's state; `start` and `stop` bracket its life.

    Attributes
    ----------
    slot, traffic, engine, writer
        Made by `start`. The last two are the store; there is an engine even while the store cannot
        be reached.
    """

    settings: Settings
    counters: Counters
    telemetry: Telemetry | None = None
    bodies: Bodies = field(default_factory=Bodies)
    slot: ChampionSlot = field(init=False, repr=False)
    traffic: Traffic = field(init=False, repr=False)
    engine: Engine = field(init=False, repr=False)
    writer: GroupWriter = field(init=False, repr=False)
    shadow: Shadow | None = None
    histories: HistoryReader | None = None
    _tables_ready: bool = False
    _watching: list[asyncio.Task[None]] = field(default_factory=list, repr=False)

    @property
    def champion(self) -> Champion:
        """The model that decides now."""
        return self.slot.current

    async def start(self) -> None:
        """Load the champion and the challenger, open the store, and watch for another champion.

        Raises
        ------
        FraudCoreError
            When there is no champion that can be served, or the store's address is none.
        """
        settings = self.settings
        self.slot = ChampionSlot(
            settings.model_dir, settings.public_key, kept_champion(settings), self._on_change
        )
        self._load_challenger()
        self.traffic = Traffic(settings.state_dir / "workers", self.champion.bundle)
        if self.telemetry:
            self.telemetry.watch(self.gauges)
        check_feature_store(settings, self.champion)
        self.histories = open_histories(settings)
        self.engine = open_engine(settings.store_url)
        await self.prepare_store()
        self.writer = GroupWriter(self.engine)
        await self._record("model_loaded", self.champion, "the service started")
        if self.slot.refusal:
            await self._on_change("model_reload_refused", self.champion, self.slot.refusal)
        self._watching = [
            asyncio.create_task(part.watch()) for part in (self.slot, self.traffic, self.bodies)
        ]

    async def stop(self) -> None:
        """Commit what waits, send what was measured, and let go."""
        for task in self._watching:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.traffic.judge()
        await asyncio.to_thread(self.writer.close)
        if self.histories:
            self.histories.close()
        self.engine.dispose()
        if self.telemetry:
            await asyncio.to_thread(self.telemetry.shutdown)

    async def prepare_store(self) -> bool:
        """Whether the store's tables are there; they are
        made where the store is a file of this machine.
        """
        if not self._tables_ready:
            self._tables_ready = await asyncio.to_thread(prepare_tables, self.engine)
        return self._tables_ready

    def count_inference(self, span: Span | None, elapsed_ns: int) -> None:
        """Record the time in the model, and its span where the request is traced."""
        self.counters.inference(elapsed_ns * 1e-9)
        if span and self.telemetry:
            ended = time.time_ns()
            self.telemetry.inference_span(span, ended - elapsed_ns, ended)

    def after_answer(
        self, values: np.ndarray, amount_eur: float, probability: float, champion: Champion
    ) -> None:
        """What follows an answer and cannot harm it: the drift monitor and the challenger."""
        self.traffic.observe(values, probability)
        if self.shadow:
            self.shadow.after(values, amount_eur, champion)

    def gauges(self) -> dict[str, float]:
        """Figures of the moment, by the names of their metrics."""
        refused = float(self.slot.refusal is not None)
        return {**self.traffic.gauges(), "fraud.model.folder_refused": refused}

    def drift_state(self) -> str:
        """State of the traffic against the training data."""
        return WIRE_STATES[self.traffic.verdict.state]

    def _load_challenger(self) -> None:
        settings = self.settings
        if settings.shadow_dir is None:
            return
        kept = kept_challenger(settings)
        challenger, refusal = load_or_kept(settings.shadow_dir, settings.public_key, kept)
        if refusal:
            print(
                f"warning: {refusal}; the challenger is the last that was verified, "
                f"lineage {challenger.lineage_id}",
                flush=True,
            )
        self.shadow = Shadow(challenger, self.counters)

    async def _on_change(self, event: str, champion: Champion, why: str) -> None:
        self.counters.event(event)
        if event == "model_reloaded":
            self.traffic.restart(champion.bundle)
        print(f"{event.replace('_', ' ')}: lineage {champion.lineage_id} serves; {why}", flush=True)
        await self._record(event, champion, why)

    async def _record(self, kind: str, champion: Champion, why: str) -> None:
        """Add to the audit; a store that is down is
        said and counted, and does not stop the service.
        """
        at_us = now_us()
        detail = {
            "why": why,
            "policy_version": champion.bundle.policy_version,
            "manifest": champion.manifest,
        }
        row = {
            "audit_id": new_id(at_us),
            "recorded_at_us": at_us,
            "kind": kind,
            "actor": "service",
            "subject": champion.lineage_id,
            "detail": msgspec.json.encode(detail).decode(),
        }
        try:
            await self.writer.write(audit, row)
        except StoreUnavailable:
            self.counters.event("store_unavailable")
            print(f"warning: {kind} could not be recorded, the store is not reachable", flush=True)

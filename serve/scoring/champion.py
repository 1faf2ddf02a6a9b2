"""The champion as the routes use it: loaded, verified,
self-tested, and replaced while the service runs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from fraud_core.bundle.arrays import AGAIN
from fraud_core.bundle.decider import Decider
from fraud_core.bundle.load import Bundle, load_bundle
from fraud_core.bundle.schema import Manifest
from fraud_core.errors import BundleError, FraudCoreError
from fraud_core.explain.reason_writer import ReasonWriter
from fraud_core.scoring.row_scorer import RowScorer
from serve.http.transaction import TransactionReader, row_type, transaction_reader
from serve.scoring.compiled_scorer import CompiledScorer, row_scorer
from serve.scoring.kept_bundle import KeptBundle

WATCH_SECONDS = 2.0
SELF_TEST_TOLERANCE = 1e-9
OTHER_FIELDS = "the new champion asks for other fields; start the service again to serve it"


@dataclass(frozen=True)
class Champion:
    """A loaded, verified and self-tested model.

    Attributes
    ----------
    bundle, manifest, lineage_id
        What decides, and where it came from.
    scorer
        Scores single rows: in compiled code where it is there, else by NumPy, to the same bits.
    decider
        Scores, explains and decides single rows.
    reader
        Reads transactions of the bundle's contract.
    row_type
        The struct that checks one row of a batch.
    writer
        Puts the reasons of its decisions into words.
    self_test
        Probability of the self-test row when it was loaded.
    """

    bundle: Bundle
    manifest: Manifest
    lineage_id: str
    scorer: RowScorer
    decider: Decider
    reader: TransactionReader
    row_type: type[msgspec.Struct]
    writer: ReasonWriter
    self_test: float

    def passes_self_test(self) -> bool:
        """Whether the self-test row scores what it did."""
        return self.scorer.probability(self_test_row(self.bundle)) == self.self_test

    @property
    def scored_by(self) -> str:
        """What scores single rows, in words."""
        return "compiled code" if isinstance(self.scorer, CompiledScorer) else "NumPy"


def load_champion(folder: Path, public_key: bytes | None = None) -> Champion:
    """Load and verify a bundle, and score its self-test row by both of its scorers.

    Raises
    ------
    BundleError
        When the bundle is missing, altered, not signed as demanded, or does not score.
    """
    promoted = load_bundle(folder, public_key=public_key)
    bundle = promoted.bundle
    scorer, row = row_scorer(bundle), self_test_row(bundle)
    probability, expected = scorer.probability(row), float(bundle.probability(row[None, :])[0])
    if not 0.0 <= probability <= 1.0 or abs(probability - expected) > SELF_TEST_TOLERANCE:
        raise BundleError(f"{folder.name}: the self-test row does not score; {AGAIN}")
    reader = transaction_reader(bundle.contract)
    kind = row_type(bundle.contract)
    return Champion(
        bundle,
        promoted.manifest,
        promoted.lineage_id,
        scorer,
        Decider(bundle),
        reader,
        kind,
        ReasonWriter(bundle),
        probability,
    )


def load_or_kept(
    folder: Path, public_key: bytes | None, kept: KeptBundle
) -> tuple[Champion, str | None]:
    """Load the bundle of a folder, or the one that was kept where that is the better one.

    Returns
    -------
    champion
        From the folder, unless it cannot be served there, or asks for other fields than the bundle
        with which the service started.
    refusal
        Why the bundle of the folder does not serve; None when it does.

    Raises
    ------
    BundleError
        When the folder's cannot be served and none is kept.
    """
    copy = kept.path()
    try:
        loaded = load_champion(folder, public_key)
    except BundleError as error:
        if copy is None:
            raise
        return load_champion(copy, public_key), str(error)
    if copy is not None and copy.name != loaded.lineage_id:
        before = load_champion(copy, public_key)
        if before.bundle.contract != loaded.bundle.contract:
            return before, OTHER_FIELDS
    return loaded, None


def self_test_row(bundle: Bundle) -> np.ndarray:
    """A row in the middle of what the model was trained on, shape (n_features,)."""
    described = (bundle.reference.features[name] for name in bundle.contract.model_features)
    return np.array([(feature.low + feature.high) / 2 for feature in described])


class ChampionSlot:
    """Holds the champion, and takes over a new one from the same folder.

    Parameters
    ----------
    folder, public_key, kept
        As in `load_or_kept`; a champion that is taken over is kept.
    on_change
        Awaited with what happened (``model_reloaded`` or ``model_reload_refused``), the champion
        that serves from now on, and why.

    Attributes
    ----------
    current
        The champion that serves.
    refusal
        Why the bundle in the folder does not; None when it does.
    """

    def __init__(
        self,
        folder: Path,
        public_key: bytes | None,
        kept: KeptBundle,
        on_change: Callable[[str, Champion, str], Awaitable[None]],
    ) -> None:
        self._folder, self._public_key, self._on_change = folder, public_key, on_change
        self._kept = kept
        self._seen = self._stamp()
        self.current, self.refusal = load_or_kept(folder, public_key, kept)

    async def watch(self) -> None:
        """Look for another champion every two seconds, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.refresh()

    async def refresh(self) -> None:
        """Take over the champion in the folder if it is
        another one that can be served; else the old one stays.
        """
        stamp = self._stamp()
        if stamp == self._seen or stamp is None:
            return
        self._seen = stamp
        try:
            loaded = await asyncio.to_thread(load_champion, self._folder, self._public_key)
            if loaded.bundle.contract != self.current.bundle.contract:
                raise BundleError(OTHER_FIELDS)
        except FraudCoreError as error:
            self.refusal = str(error)
            await self._on_change("model_reload_refused", self.current, str(error))
            return
        self.refusal = None
        if loaded.lineage_id != self.current.lineage_id:
            before, self.current = self.current, loaded
            await asyncio.to_thread(self._kept.keep, self._folder, loaded.lineage_id)
            await self._on_change(
                "model_reloaded", loaded, f"instead of lineage {before.lineage_id}"
            )

    def _stamp(self) -> tuple[int, int] | None:
        """What changes when the champion does; None while there is none."""
        try:
            manifest = (self._folder / "manifest.json").stat()
        except OSError:
            return None
        return manifest.st_mtime_ns, manifest.st_ino

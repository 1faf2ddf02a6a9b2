"""A stream of card payments with known truth: customers,
terminals, three ways of fraud, labels that come late.

Simulated data: whatever is shown of it says so.

References
----------
Le Borgne, Siblini, Lebichot and Bontempi (2022), Reproducible Machine Learning for Credit Card
Fraud Detection, chapter 3: customers and terminals in a plane, and the three scenarios. The code,
the delay of labels, the protected attribute and the drift are this project's own.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fraud_core.errors import ParameterError

DAY_SECONDS = 86_400
SIDE = 100.0  # of the plane in which customers and terminals lie
GENUINE, LARGE_AMOUNT, TERMINAL, CUSTOMER = range(4)
SCENARIOS = ("genuine", "large_amount", "compromised_terminal", "compromised_customer")
SOURCES = ("review", "customer", "chargeback")
DRIFTS = ("none", "covariate", "prior", "new_pattern")


@dataclass(frozen=True)
class StreamSettings:
    """What a stream is made of.

    Attributes
    ----------
    n_customers, n_terminals, n_days
        Sizes.
    radius
        Terminals within this distance are used by a customer; the plane is 100 wide.
    large_amount_eur
        Payments above it are fraud (scenario 1).
    terminals_per_day, terminal_days
        Terminals that are compromised each day, and for how long; all their payments are fraud
        (scenario 2).
    customers_per_day, customer_days, customer_share, customer_factor
        Customers that are compromised each day, for how long, the share of their payments that is
        fraud, and by what their amount is multiplied (scenario 3).
    source_shares, delay_days
        Of the reports of fraud, by `SOURCES`: their shares, and the median delay; delays are
        log-normal.
    delay_spread
        Standard deviation of the logarithm of the delay.
    group_share
        Share of the customers in group ``b`` of the protected attribute.
    bias
        From 0 to 1: by how much less the amount of a compromised customer of group ``b`` is
        multiplied. At 0 the groups are alike, at 1 such frauds of group ``b`` look like genuine
        payments.
    drift, drift_day, drift_size
        Kind among `DRIFTS`, first day, and relative size.
    """

    n_customers: int = 5_000
    n_terminals: int = 10_000
    n_days: int = 183
    radius: float = 5.0
    large_amount_eur: float = 220.0
    terminals_per_day: int = 2
    terminal_days: int = 28
    customers_per_day: int = 3
    customer_days: int = 14
    customer_share: float = 1 / 3
    customer_factor: float = 5.0
    source_shares: tuple[float, float, float] = (0.2, 0.5, 0.3)
    delay_days: tuple[float, float, float] = (0.5, 3.0, 15.0)
    delay_spread: float = 0.5
    group_share: float = 0.3
    bias: float = 0.0
    drift: str = "none"
    drift_day: int = 90
    drift_size: float = 0.0


def simulate_stream(settings: StreamSettings, *, seed: int) -> pl.DataFrame:
    """Payments in order of time.

    Returns
    -------
    polars.DataFrame
        ``transaction_id``, ``time`` (seconds from midnight of day 0, a Monday), ``customer_id``,
        ``terminal_id``, ``amount_eur`` (two decimals), ``label`` (1 is fraud), ``scenario``,
        ``label_source`` and ``reported_at`` (seconds; both null for genuine payments, which nobody
        reports), ``group`` (the protected attribute). The same bytes for the same seed.

    Raises
    ------
    ParameterError
        When a setting is out of range.

    Examples
    --------
    >>> stream = simulate_stream(
    ...     StreamSettings(n_customers=50, n_terminals=100, n_days=10, radius=20.0), seed=1
    ... )
    >>> stream["time"].is_sorted(), stream.filter(pl.col("label") == 1)["reported_at"].null_count()
    (True, 0)
    """
    check_settings(settings)
    rng = np.random.default_rng(seed)
    customer, mean_eur, group = _customers(settings, rng)
    degree, first, near = _near_terminals(customer, settings, rng)
    who, time = _occasions(degree > 0, settings, rng)
    where = near[first[who] + (rng.random(len(who)) * degree[who]).astype(np.int64)]
    amount = _amounts(mean_eur[who], time // DAY_SECONDS, settings, rng)
    order = np.lexsort((who, time))
    who, time, where, amount = who[order], time[order], where[order], amount[order]
    scenario, amount, time = _frauds(who, where, time, amount, group, settings, rng)
    order = np.argsort(time, kind="stable")
    made = _Payments(who[order], time[order], where[order], amount[order], scenario[order])
    return _table(made, group, settings, rng)


def scenario_counts(stream: pl.DataFrame) -> list[dict[str, int | float | str]]:
    """Payments and their mean amount by scenario, those of `SCENARIOS` first.

    Examples
    --------
    >>> scenario_counts(pl.DataFrame({"scenario": ["genuine"] * 2, "amount_eur": [1.0, 2.0]}))
    [{'scenario': 'genuine', 'payments': 2, 'mean amount, euros': 1.5}]
    """
    counted = stream.group_by("scenario").agg(
        pl.len().alias("payments"), pl.col("amount_eur").mean().round(2)
    )
    rows = {row[0]: row for row in counted.rows()}
    known = [name for name in SCENARIOS if name in rows]
    return [
        {"scenario": name, "payments": rows[name][1], "mean amount, euros": rows[name][2]}
        for name in [*known, *sorted(set(rows) - set(known))]
    ]


def check_settings(settings: StreamSettings) -> None:
    """Refuse settings that are out of range.

    Raises
    ------
    ParameterError
        Naming the setting.
    """
    for name in ("n_customers", "n_terminals", "n_days"):
        if getattr(settings, name) < 1:
            raise ParameterError(f"{name}: expected at least 1, got {getattr(settings, name)}")
    for name in ("bias", "group_share", "customer_share"):
        if not 0 <= getattr(settings, name) <= 1:
            raise ParameterError(
                f"{name}: expected a share from 0 to 1, got {getattr(settings, name)}"
            )
    if settings.drift not in DRIFTS:
        raise ParameterError(f"drift: expected one of {', '.join(DRIFTS)}, got {settings.drift!r}")
    if abs(sum(settings.source_shares) - 1) > 1e-9:
        raise ParameterError(
            f"source_shares: expected shares that sum to 1, got {settings.source_shares}"
        )


def _customers(
    settings: StreamSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, shape (n_customers, 2), mean amounts in euros, and whether each is of group ``b``."""
    n = settings.n_customers
    return (
        rng.uniform(0, SIDE, (n, 2)),
        rng.uniform(5, 100, n),
        rng.random(n) < settings.group_share,
    )


def _near_terminals(
    customer: np.ndarray, settings: StreamSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of terminals of each customer, where its
    list begins, and the lists one after the other.
    """
    from scipy.spatial import KDTree

    terminal = rng.uniform(0, SIDE, (settings.n_terminals, 2))
    lists = KDTree(terminal).query_ball_point(customer, settings.radius, return_sorted=True)
    degree = np.array([len(places) for places in lists])
    near = np.concatenate([np.asarray(places, np.int64) for places in lists])
    return degree, np.concatenate([[0], np.cumsum(degree)[:-1]]), near


def _occasions(
    active: np.ndarray, settings: StreamSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Who pays when: a Poisson number a day, fewer on Sundays,
    most around noon; customers without a terminal never.
    """
    per_day = rng.uniform(0, 4, settings.n_customers) * active
    weekday = np.where(np.arange(settings.n_days) % 7 == 6, 0.8, 1.0333)
    counts = rng.poisson(per_day[:, None] * weekday[None, :])
    who, day = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    within = rng.normal(DAY_SECONDS / 2, 20_000, len(who))
    kept = (within >= 0) & (within < DAY_SECONDS)
    return who[kept], day[kept] * DAY_SECONDS + within[kept].astype(np.int64)


def _amounts(
    mean_eur: np.ndarray, day: np.ndarray, settings: StreamSettings, rng: np.random.Generator
) -> np.ndarray:
    """Normal around the customer's mean; what would be negative is uniform up to twice the mean."""
    amount = rng.normal(mean_eur, mean_eur / 2)
    negative = amount < 0
    amount[negative] = rng.uniform(0, 2 * mean_eur[negative])
    if settings.drift == "covariate":
        amount = np.where(day >= settings.drift_day, amount * (1 + settings.drift_size), amount)
    return amount


def _frauds(
    who: np.ndarray,
    where: np.ndarray,
    time: np.ndarray,
    amount: np.ndarray,
    group: np.ndarray,
    settings: StreamSettings,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scenario of each payment, its amount, and its time; later scenarios win over earlier ones."""
    day = time // DAY_SECONDS
    scenario = np.where(amount > settings.large_amount_eur, LARGE_AMOUNT, GENUINE)
    grown = 1 + settings.drift_size if settings.drift == "prior" else 1.0
    taken = _compromised(
        settings.n_terminals,
        settings.terminals_per_day,
        settings.terminal_days,
        grown,
        settings,
        rng,
    )
    scenario[taken[where, day]] = TERMINAL
    stolen = _compromised(
        settings.n_customers,
        settings.customers_per_day,
        settings.customer_days,
        grown,
        settings,
        rng,
    )
    compromised = stolen[who, day] & (rng.random(len(who)) < settings.customer_share)
    scenario[compromised] = CUSTOMER
    factor = 1 + (settings.customer_factor - 1) * np.where(group[who], 1 - settings.bias, 1.0)
    changed = (
        compromised & (day >= settings.drift_day)
        if settings.drift == "new_pattern"
        else np.zeros(len(who), bool)
    )
    amount = np.where(compromised & ~changed, amount * factor, amount)
    # the new pattern: small amounts in the first hours of the night
    amount = np.where(changed, amount / (1 + settings.drift_size), amount)
    time = np.where(changed, day * DAY_SECONDS + rng.integers(0, 4 * 3600, len(who)), time)
    return scenario, amount, time


def _compromised(
    n: int,
    per_day: int,
    days: int,
    grown: float,
    settings: StreamSettings,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whether each of n is compromised on each day, shape (n, n_days)."""
    compromised = np.zeros((n, settings.n_days), bool)
    for day in range(settings.n_days):
        number = round(per_day * (grown if day >= settings.drift_day else 1.0))
        compromised[rng.choice(n, min(number, n), replace=False), day : day + days] = True
    return compromised


@dataclass(frozen=True)
class _Payments:
    """Payments in order of time, an array of shape (n_payments,) for each property."""

    who: np.ndarray
    time: np.ndarray
    where: np.ndarray
    amount: np.ndarray
    scenario: np.ndarray


def _table(
    made: _Payments, group: np.ndarray, settings: StreamSettings, rng: np.random.Generator
) -> pl.DataFrame:
    """The payments as a frame, with the report of each fraud."""
    n, fraud = len(made.who), made.scenario != GENUINE
    source = rng.choice(len(SOURCES), n, p=settings.source_shares)
    median = np.asarray(settings.delay_days)[source] * DAY_SECONDS
    reported = made.time + np.ceil(
        median * np.exp(settings.delay_spread * rng.normal(size=n))
    ).astype(np.int64)
    table = pl.DataFrame(
        {
            "transaction_id": np.arange(n),
            "time": made.time,
            "customer_id": made.who,
            "terminal_id": made.where,
            "amount_eur": np.round(made.amount, 2),
            "label": fraud.astype(np.int8),
            "scenario": np.asarray(SCENARIOS)[made.scenario],
            "label_source": np.asarray(SOURCES)[source],
            "reported_at": reported,
            "group": np.where(group[made.who], "b", "a"),
        }
    )
    known = pl.col("label") == 1
    return table.with_columns(
        pl.when(known).then("label_source").alias("label_source"),
        pl.when(known).then("reported_at").alias("reported_at"),
    )

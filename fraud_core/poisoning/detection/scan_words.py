"""What is said beside a scan: where its limits come from, and why no row is named."""

from fraud_core.poisoning.detection.scan_findings import Scan

TUNED_ON = "ulb"
LIMITS_FROM = "the scan's limits were set on day 1 of the ULB data only"


def validity(card: str) -> str:
    """Where the limits of the scan come from, as a warning for any other card.

    Examples
    --------
    >>> validity("ulb")
    "the scan's limits were set on day 1 of the ULB data only"
    >>> validity("shop").startswith("warning: card shop is other data")
    True
    """
    if card == TUNED_ON:
        return LIMITS_FROM
    return (
        f"warning: card {card} is other data than those it was tried on: {LIMITS_FROM}, and on "
        "clean tables of other "
        "kinds it has raised false alarms more often than it says (docs/poisoning.md)"
    )


def nothing_named(found: Scan, *, own_trusted: bool) -> str:
    """Why a scan that alarms names no row, and what to
    give; empty when it names some or does not alarm.

    Parameters
    ----------
    own_trusted
        Whether the trusted rows are the last ones of the scanned table itself.
    """
    if not found.poisoned or found.suspicious.any():
        return ""
    why = (
        "no row is named: a row is flagged because labels that are taken as true contradict it, "
        "and the labels of the "
        "trusted rows are as doubtful as the rest"
    )
    fix = "give a table whose labels are true with --trusted (make: TRUSTED=path)"
    other = "the table given as trusted holds the same doubtful labels; give one that was checked"
    return f"{why}; {fix if own_trusted else other}"

"""The policy: which defence to use, from what a defender has, never from the sealed holdout."""

from fraud_core.poisoning.detection.scan_findings import Scan

# A defence whose model ranks the trusted frauds this much worse than the model without it is not
# used.
VETO = 0.05


def choose_defence(scan: Scan, trusted_average_precision: dict[str, float]) -> tuple[str, str]:
    """Choose ``none`` or ``out_of_fold``, and say why.

    Parameters
    ----------
    scan
        Of the rows as seen. Without a finding nothing is cleaned, so that clean data come to no
        harm.
    trusted_average_precision
        Average precision on the trusted rows, by defence, of models that have not learnt from them;
        keys ``none`` and ``out_of_fold``.

    Returns
    -------
    defence, reason

    Examples
    --------
    >>> import numpy as np
    >>> clean = Scan(np.zeros(1), np.zeros(1, bool), 0.0, 0.0, None, ())
    >>> choose_defence(clean, {"none": 0.7, "out_of_fold": 0.9})
    ('none', 'the scan found nothing')
    """
    if not scan.poisoned:
        return "none", "the scan found nothing"
    found = "; ".join(finding.words for finding in scan.findings)
    loss = trusted_average_precision["none"] - trusted_average_precision["out_of_fold"]
    if loss > VETO:
        return "none", f"cleaning would rank the trusted frauds worse by {loss:.3f} ({found})"
    return "out_of_fold", found

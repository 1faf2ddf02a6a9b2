"""Out-of-fold cleaning: what the scan suspects,
then a scan by models that have not learnt from it.
"""

from fraud_core.data.rows import Transactions
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without
from fraud_core.poisoning.detection.label_scan import detect
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores

N_ROUNDS = 4


def drop_suspicious(rows: Transactions, context: DefenceContext, seed: int) -> Defended:
    """Drop everything the scan suspects, in rounds, until nothing is new.

    Parameters
    ----------
    rows
        As seen, trusted labels in place.
    seed
        Of the scans after the first.

    Notes
    -----
    The classes are judged apart: fraud labels by Bayes' rule at the estimated flip rates,
    legitimate labels by their rank among the trusted frauds. Class-mean thresholds fail where one
    row in six hundred is a fraud.
    """
    scan, flagged = context.scan, context.scan.suspicious
    for number in range(1, N_ROUNDS):
        legitimate = flagged & (rows.y_observed == 0)
        if not legitimate.any() or scan.false_fraud_rate > 0.01:
            break
        scores = out_of_fold_scores(
            rows, seed=seed + 1000 * number, left_out=flagged, quantised=context.quantised
        )
        scan = detect(rows, scores, seed=seed, triggers=False)
        new = scan.suspicious & ~flagged
        flagged = flagged | new
        if new.sum() <= 0.05 * legitimate.sum():
            break
    return without(rows, flagged)


OUT_OF_FOLD = Defence("out_of_fold", "what the scan suspects, in rounds", drop_suspicious)

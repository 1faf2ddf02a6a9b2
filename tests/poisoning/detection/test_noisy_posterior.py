import numpy as np

from fraud_core.poisoning.detection.noisy_posterior import noise_corrected_posterior


def test_belief_falls_with_the_flip_rate(rng):
    y = rng.integers(0, 2, 500)
    log_odds = rng.normal(2.0 * y - 1.0)
    assert (
        noise_corrected_posterior(y, log_odds, 0.3, 0.0).mean()
        < noise_corrected_posterior(y, log_odds, 0.05, 0.0).mean()
    )


def test_belief_by_hand_where_the_scores_say_nothing():
    """Half of the labels say fraud and a quarter of the honest rows were flipped: p = 1/3, so
    that of the fraud labels two thirds are true.
    """
    y = np.array([0, 1] * 200)
    found = noise_corrected_posterior(y, np.array([0.0, 0.0, 1.0, 1.0] * 100), 0.25, 0.0)
    np.testing.assert_allclose(found, 2 / 3, atol=0.01)

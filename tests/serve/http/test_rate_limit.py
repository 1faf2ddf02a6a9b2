import time

from serve.http import rate_limit
from serve.http.rate_limit import RateLimit


def test_rate_comes_back_with_time():
    limit = RateLimit(20.0)
    assert [limit.allows("a") for _ in range(20)] == [True] * 20
    assert not limit.allows("a")
    time.sleep(0.2)
    assert limit.allows("a")


def test_callers_do_not_share_a_bucket_and_a_slow_one_still_has_one_request():
    limit = RateLimit(0.5)
    assert [limit.allows(name) for name in ("a", "a", "b", "b")] == [True, False, True, False]


def test_unused_requests_are_kept_for_one_second_only(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(rate_limit, "monotonic", lambda: now[0])
    limit = RateLimit(2.0)
    for at, allowed in ((0.0, 2), (0.5, 1), (100.0, 2)):
        now[0] = at
        assert [limit.allows("a") for _ in range(4)].count(True) == allowed

"""How property tests draw random histories: the same in each run, as many as a run has time for."""

from hypothesis import HealthCheck, settings

histories = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

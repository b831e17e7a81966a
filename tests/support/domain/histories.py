"""Settings for property tests that draw random histories: the same ones in each run."""

from hypothesis import HealthCheck, settings

histories = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

"""How the front door bears with model servers that die, hang or have too much to do: each number with its reason."""

import math
from typing import Any

_TYPE = "type.googleapis.com/envoy"

RATE_LIMIT_FILTER = "local_ratelimit"
"""The name of that filter in the front door's own configuration (murmur_runtime.envoy)."""

_CONNECTIONS = 128
"""Of one replica: it predicts in one thread, and answers no faster to 128 at once than to 64."""
_PENDING = 512
"""More requests than a replica answers in 0.1 s (some 5,000/s): whoever came after them is told at once."""
_WAITING = 512
"""Clients that may wait at once for a version none of whose replicas answers. Each costs the front door some 50 kB."""

CLUSTER: dict[str, Any] = {
    "connect_timeout": "1s",
    "lb_policy": "LEAST_REQUEST",
    # Where nobody is well, somebody is asked: the only replica, which comes back meanwhile, is not given up.
    "common_lb_config": {"healthy_panic_threshold": {"value": 1}},
    "outlier_detection": {
        "split_external_local_origin_errors": True,
        # Refused or reset connections: the process is gone. The third in a row is no accident.
        "consecutive_local_origin_failure": 3,
        "enforcing_consecutive_local_origin_failure": 100,
        # 502, 503, 504 said by a replica itself: it is there and cannot answer now.
        "consecutive_gateway_failure": 5,
        "enforcing_consecutive_gateway_failure": 100,
        # 500 may be the request's doing. One client that repeats it must not send everybody away from replicas.
        "consecutive_5xx": 20,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "0.5s",
        # A killed replica is back within seconds; one that fails again and again stays away longer each time.
        "base_ejection_time": "1s",
        "max_ejection_time": "10s",
        # Never all: of 32 replicas 31 are 97 %.
        "max_ejection_percent": 99,
    },
}

_ANOTHER_HOST = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {"@type": f"{_TYPE}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
}


def duration(seconds: float) -> str:
    """As Envoy reads it: no exponent, nanoseconds at most. One that it cannot read makes it refuse all routes."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def circuit_breakers(replicas: int) -> dict[str, Any]:
    """For a pool of up to so many replicas. What is beyond is answered 503 at once, and not tried again."""
    threshold = {
        "max_connections": _CONNECTIONS * replicas,
        "max_pending_requests": _PENDING * replicas,
        "max_requests": (_CONNECTIONS + _PENDING) * replicas,
        # Half as many repetitions as requests under way: enough for one dead replica of two, too few to bury the other.
        "retry_budget": {"budget_percent": {"value": 50}, "min_retry_concurrency": _WAITING},
    }
    return {"thresholds": [threshold]}


def retry_policy(timeout: float) -> dict[str, Any]:
    """A prediction changes nothing, so any may be asked again: while a killed replica comes back, clients wait.

    503 is asked again only where the replica says that this helps (Retry-After): it is not loaded yet, or has too much
    to do. Of a log that cannot be written, or a circuit that is open, people hear at once.
    """
    return {
        "retry_on": "connect-failure,refused-stream,reset,retriable-headers",
        "retriable_headers": [{"name": "retry-after", "present_match": True}],
        "num_retries": 40,  # more than fit into the timeout, which is what ends the waiting
        "per_try_timeout": duration(timeout / 2),  # whoever hangs leaves time for another
        "retry_back_off": {"base_interval": "0.1s", "max_interval": "2s"},
        "retry_host_predicate": [_ANOTHER_HOST],
        "host_selection_retry_max_attempts": "5",
    }


def rate_limit(requests: float) -> dict[str, Any]:
    """So many a second for each address; 429 beyond. Who asks in bursts may spend one second's worth at once."""
    tokens = max(1, math.ceil(requests))
    bucket = {
        "max_tokens": tokens,
        "tokens_per_fill": tokens,
        "fill_interval": duration(tokens / requests),
    }
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": f"{_TYPE}.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "model_clients",
        "filter_enabled": always,
        "filter_enforced": always,
        # All together are limited by the replicas alone; Envoy asks for a number.
        "token_bucket": {"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"},
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": bucket}],
        "max_dynamic_descriptors": 10_000,  # addresses that are remembered; the one not heard of for longest gives way
    }

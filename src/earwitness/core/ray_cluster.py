"""Ray, where work is spread over machines: connecting to a cluster, or starting one here; nothing else imports ray."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from earwitness.core.errors import ClusterError

_STORE_BYTES: Final = 256 * 2**20
_CONNECT_SECONDS: Final = 10.0


@contextmanager
def connected(address: str | None = None, workers: int = 1, attempts: int = 2) -> Iterator[Any]:
    """Ray, connected to a cluster.

    Args:
        address: of a running cluster; None takes the one that this process is connected to, or starts one on this
            machine and ends it afterwards.
        workers: processors of the cluster that is started.
        attempts: how often to try to start a cluster here: Ray gives its processes 30 s, too little on a busy machine.

    Raises:
        ClusterError: there is no cluster, or none can be started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if address is None and ray.is_initialized():
        yield ray
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    own = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    where = {"address": address} if address is not None else own
    if address is not None:
        _check_reachable(address)
    for attempt in range(attempts):
        try:
            ray.init(**where, **quiet)
            break
        except Exception as error:  # Ray raises nothing more special when it cannot start
            ray.shutdown()
            if address is not None or attempt == attempts - 1:
                raise ClusterError(f"no Ray cluster at '{address or 'this machine'}': {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray ends the whole process where nobody answers; so ask first."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():  # "auto"
        return
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(f"no Ray cluster at '{address}' ({error.strerror or error}); see: ray status") from error

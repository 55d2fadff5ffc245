"""Ray, for distributed work: connects to a cluster or starts a local one. Only this module imports ray."""

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
    """Connect to a cluster and yield the module `ray`.

    Args:
        address: address of a running cluster; None uses the current connection, or starts a local cluster and stops it
            afterwards.
        workers: number of CPUs of the local cluster.
        attempts: number of attempts to start a local cluster; Ray's limit of 30 s is too short on a busy machine.

    Raises:
        ClusterError: the cluster cannot be reached or started.
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
        except Exception as error:  # Ray has no specific error for a failed start
            ray.shutdown()
            if address is not None or attempt == attempts - 1:
                raise ClusterError(f"no Ray cluster at '{address or 'this machine'}': {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Test the connection first: Ray ends the whole process if the address does not answer."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():  # "auto"
        return
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterError(f"no Ray cluster at '{address}' ({error.strerror or error}); see: ray status") from error

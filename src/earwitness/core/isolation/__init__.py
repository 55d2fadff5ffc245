"""Runs a function in a separate process with limits on elapsed time, CPU time and memory."""

from earwitness.core.isolation.child_process import Reporter
from earwitness.core.isolation.isolated_call import run_isolated
from earwitness.core.isolation.process_limits import FileLimits, Limits

__all__ = ["FileLimits", "Limits", "Reporter", "run_isolated"]

"""Limits on time, CPU time and memory: for a function in a separate process, or for the work on a file in this one."""

from earwitness.core.isolation.child_process import Reporter, run_isolated
from earwitness.core.isolation.process_limits import FileLimits, Limits, each_within_limits, limits_for

__all__ = ["FileLimits", "Limits", "Reporter", "each_within_limits", "limits_for", "run_isolated"]

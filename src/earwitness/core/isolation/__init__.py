"""Run one piece of work in a process of its own, within limits of time, processor time and memory."""

from earwitness.core.isolation.child_process import Reporter
from earwitness.core.isolation.isolated_call import run_isolated
from earwitness.core.isolation.process_limits import FileLimits, Limits

__all__ = ["FileLimits", "Limits", "Reporter", "run_isolated"]

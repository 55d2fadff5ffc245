"""Run one piece of work in a process of its own, within limits of time, processor time and memory."""

from earwitness.isolation.limits import FileLimits, Limits
from earwitness.isolation.process import Reporter
from earwitness.isolation.runner import run_isolated

__all__ = ["FileLimits", "Limits", "Reporter", "run_isolated"]

"""Many files: plan, journal, worker processes, output formats."""

"""The report: one HTML file with player, timeline, radar, table, recording checks and settings."""

from earwitness.render.report.report_page import report_html, report_pieces, write_report

__all__ = ["report_html", "report_pieces", "write_report"]

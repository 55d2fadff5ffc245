"""The report: one HTML file with player, lanes, radar, table and everything that is known about the result."""

from earwitness.render.report.report_page import report_html, report_pieces, write_report

__all__ = ["report_html", "report_pieces", "write_report"]

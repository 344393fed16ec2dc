"""The validation report: one self-contained HTML file for somebody who must decide."""

from murmur_validator.report.render import HtmlReporter

__all__ = ["HtmlReporter"]

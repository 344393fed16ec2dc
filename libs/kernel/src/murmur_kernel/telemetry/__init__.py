"""Logs that a machine can read and numbers that Prometheus can scrape."""

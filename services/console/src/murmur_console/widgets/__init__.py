"""What pages are drawn with: table, timeline, chart, picker, forms for reviews, decisions, rows; in Vue and Python."""

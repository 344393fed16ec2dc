"""What pages are drawn with: table, timeline, picker, forms of reviews and decisions; each in Vue and Python."""

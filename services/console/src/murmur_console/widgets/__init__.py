"""What pages are drawn with: table, timeline, review form, picker; each a small Vue component and its Python side."""

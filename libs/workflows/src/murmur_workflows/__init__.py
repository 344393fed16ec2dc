"""The reference workflows, one folder each, and the scaffold from which people begin their own."""

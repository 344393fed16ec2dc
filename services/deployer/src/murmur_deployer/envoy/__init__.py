"""The front door is Envoy: its routes and clusters are files that are renamed into place."""

"""The commands on catalogues."""

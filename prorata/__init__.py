"""The application: the command line, its settings, and what wires the packages together."""

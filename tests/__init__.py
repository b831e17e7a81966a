"""The promises, arranged by what a test needs.

unit, property, architecture: nothing. contract, integration: real servers (see conftest.py). scenarios: rules
as data. acceptance: the whole application.
"""

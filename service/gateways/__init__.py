"""The payment port and its adapters."""

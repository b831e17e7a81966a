"""Benchmarks: each runs ours and the peer in turns, on the same server and events, and compares medians."""

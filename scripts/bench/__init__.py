"""Benchmarks: ours and the peer in one run, in turns, on the same server and events; medians count."""

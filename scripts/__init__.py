"""Tools that developers run: servers, benchmarks, chaos, fuzzing, proofs. Production needs none of them."""

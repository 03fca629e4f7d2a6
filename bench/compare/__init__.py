"""Kvorum beside other servers, in one run and in turns: see docs/benchmarks.md."""

"""`make bench`: how fast Nabd is beside others, and how much memory it takes. Writes docs/bench.md."""

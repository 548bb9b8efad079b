"""`make bench`: how fast Nabd is, beside torch and TF-IDF, and how much memory it takes. Writes docs/bench.md."""

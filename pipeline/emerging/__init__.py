"""Emerging issues: what many customers began to write about lately, found in the vectors kept by `nabd score`."""

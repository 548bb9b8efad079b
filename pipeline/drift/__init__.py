"""Drift: does a stream of messages still look like the reference, and does it cost accuracy? No labels are needed."""

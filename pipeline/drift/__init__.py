"""Drift: does a stream of messages still look like the reference, and does it cost accuracy? No labels are needed."""

RATES = 0.001, 0.5  # of false alarms: the least and the most that a comparison can be asked for

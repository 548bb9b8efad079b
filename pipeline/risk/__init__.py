"""Which customers a desk is about to lose, and why: the scored messages of a customer over time -> `CustomerRisk`."""

from pipeline.risk.fold import BANDS, rank, risk
from pipeline.risk.weights import Weights, parse_weights

__all__ = ["BANDS", "Weights", "parse_weights", "rank", "risk"]

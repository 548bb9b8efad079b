"""From labelled sources to one file of training examples."""

from pipeline.training.prepare.example import Example
from pipeline.training.prepare.flow import prepare, run
from pipeline.training.prepare.report import Report, SourceReport

__all__ = ["Example", "Report", "SourceReport", "prepare", "run"]

"""The code that MLflow runs for a registered model: a script of `mlflow.models`, copied into the model as it is.

Messages in, a table with a column `text`; the `nabd_*` columns out. Nothing of it is pickled.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

PART = 1024  # messages scored at a time


class ServedModel(PythonModel):
    """A bundle with its encoder and its routes."""

    def load_context(self, context: PythonModelContext) -> None:
        """`models` is a folder of models, and `served.json` in it names the one to load and holds its routes.

        NABD_THREADS says how many processor threads the encoder may take, 0 being all.
        """
        from pipeline.bundle import load
        from pipeline.route import Rule

        folder = Path(context.artifacts["models"])
        served = json.loads((folder / "served.json").read_text(encoding="utf-8"))
        self._bundle = load(folder / served["bundle"], threads=int(os.environ.get("NABD_THREADS", "0")))
        self._rules = [
            Rule(**each | {"when": {key: tuple(values) for key, values in each["when"].items()}})
            for each in served["routes"]
        ]

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """A table of n rows -> one of n rows; other columns than `text` and `channel` are for the routes."""
        from pipeline.output import COLUMNS, cells
        from pipeline.records import Message
        from pipeline.score import score

        given = pd.DataFrame(model_input).astype(object)
        records = given.where(given.notna(), None).to_dict("records")
        messages = [Message(_text(row.get("text")), row, _text(row.get("channel"))) for row in records]
        found = [
            cells(scored)
            for start in range(0, len(messages), PART)
            for scored in score(messages[start : start + PART], self._bundle, self._rules)
        ]
        return pd.DataFrame(found, columns=list(COLUMNS), index=given.index)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


set_model(ServedModel())

"""No library of ours reports home."""

from __future__ import annotations

import os

SWITCHES = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",  # read when onnxruntime loads; its disable_telemetry_events() is not enough
}


def switch_off() -> None:
    """To be called before such a library is imported; what the user has set stays."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)

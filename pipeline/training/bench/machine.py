"""What the numbers were measured on: processor, memory, libraries."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

FLAGS = re.compile(
    r"\b(avx2|avx512f|avx512_vnni|avx_vnni|avx512_bf16|avx512_fp16|amx_int8|amx_bf16|asimddp|i8mm|bf16|sve2?)\b"
)
LIBRARIES = ("onnxruntime", "torch", "transformers", "tokenizers", "numpy", "scikit-learn", "fasttext-community")


def describe_machine(threads: int) -> dict[str, str]:
    """One line a fact, for people."""
    cpu = Path("/proc/cpuinfo")
    facts = cpu.read_text(encoding="utf-8", errors="replace") if cpu.exists() else ""
    return {
        "Processor": processor_name(facts) or platform.processor() or platform.machine(),
        "Vector instructions": ", ".join(processor_flags(facts)) or "not stated by the system",
        "Threads used, by each": str(threads),
        "Memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "System": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "Libraries": ", ".join(filter(None, map(installed, LIBRARIES))),
        "torch computes with": str(torch.backends.cpu.get_cpu_capability()),
    }


def installed(name: str) -> str:
    """A distribution and its version, empty when it is not installed."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def processor_name(cpuinfo: str) -> str:
    """The model name in the text of /proc/cpuinfo, empty when it states none."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else ""


def processor_flags(cpuinfo: str) -> list[str]:
    """Those of `FLAGS` in the text of /proc/cpuinfo, each once."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return list(dict.fromkeys(FLAGS.findall(found[1]))) if found else []

"""A support desk to look at: a service around the tiny bundle, its store filled with synthetic messages."""

from __future__ import annotations

import json
import random
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI
from rich.console import Console

from pipeline.bundle import Bundle, load, save
from pipeline.records import Message
from pipeline.score import score
from pipeline.service import keeping
from pipeline.service.app import create_app
from pipeline.service.keeping import Arrival, Policy
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.settings import Settings, home, load_settings, override
from pipeline.training.replay.compare import Job, replay
from pipeline.training.replay.fact import Model
from pipeline.training.replay.sample import Sample
from pipeline.training.replay.sheet import write_files
from pipeline.training.replay.summary import add_up

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SAID = {
    "ar": (
        "خصمتوا المبلغ مرتين من حسابي ومحد رد علي",
        "شكرًا لكم، حللتم المشكلة بسرعة",
        "متى يفتح الفرع في الرياض؟",
        "الطلب تأخر أسبوعين وما وصل، أبي فلوسي ترجع",
        "عايز أعرف الأوردر بتاعي فين لو سمحتوا",
        "التطبيق يعلّق كل ما أفتحه بعد التحديث",
    ),
    "fa": (
        "دو بار از حسابم پول کم شده و کسی جواب نمی‌دهد",
        "خیلی ممنون، مشکلم زود حل شد",
        "شعبهٔ مرکزی چه ساعتی باز می‌شود؟",
        "سفارشم هنوز نرسیده، لطفاً پیگیری کنید",
        "اگر این قطعی‌ها ادامه پیدا کند اشتراکم را لغو می‌کنم",
        "رمز عبورم را فراموش کرده‌ام و پیامک نمی‌آید",
    ),
    "en": (
        "I was charged twice and nobody answers. I am leaving.",
        "Thank you, solved within the hour!",
        "How do I change the address of my order?",
        "The app crashes whenever I open my basket since the last update",
        "Where is my refund? It has been two weeks.",
        "Could you add a dark mode to the app, please?",
    ),
}
CUSTOMERS = tuple(f"C-{number:03}" for number in range(1, 31))
EXPORT = """id,customer,date,message
7001,C-900,2026-11-18,The parcel never arrived and the chat is closed
7002,C-901,2026-11-18,سفارش من اشتباه فرستاده شده است
7003,C-902,2026-11-19,وصلني المنتج مكسورًا وأريد استبداله
7004,C-902,2026-11-19,"thanks, all is well now"
"""


def fill(store: Store, bundle: Bundle, settings: Settings, *, count: int = 220) -> None:
    """Messages of thirty customers over six weeks, kept as the API keeps them."""
    chance, pairs = random.Random(11), []
    for number in range(count):
        text = chance.choice(SAID[chance.choice(("ar", "fa", "en"))])
        when = NOW - timedelta(hours=42 * 24 * (1 - number / count) ** 1.3 + chance.random())
        outcome = {"status": chance.choice(("solved", "open", "reopened")), "revenue": 100.0 * chance.randrange(1, 90)}
        arrival = Arrival(
            text, id=f"T-{number + 1:04}", customer=chance.choice(CUSTOMERS), time=when,
            channel=chance.choice(("email", "whatsapp", "chat")), outcome=outcome,
        )  # fmt: skip
        pairs.append((arrival, score([Message(text)], bundle, settings.routes)[0]))
    policy = Policy("masked", settings.risk, settings.max_characters, False)
    with store.begin() as session:
        keeping.keep_all(session, pairs, "api", policy, NOW)


def measured(bundle: Bundle, folder: Path) -> Path:
    """A model's folder with the figures and the card of the shipped one, as if they were of `bundle`."""
    folder.mkdir()
    metrics = json.loads((home() / "models" / "nabd-base" / "metrics.json").read_text(encoding="utf-8"))
    metrics["model"]["version"] = bundle.version
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    shutil.copy(home() / "models" / "nabd-base" / "MODEL_CARD.md", folder)
    return folder


def replayed(bundle: Bundle, folder: Path, settings: Settings) -> None:
    """A replay of what is said, as if a model that is a little different were to serve."""
    rows = [text for number in range(3) for texts in SAID.values() for text in (f"{each} {number}" for each in texts)]
    export = folder / "tickets.csv"
    lines = [f'{number},C-{number % 9},2026-11-{1 + number % 19:02},"{text}"' for number, text in enumerate(rows)]
    export.write_text("\n".join(["id,customer,date,message", *lines]), encoding="utf-8")
    other = np.random.default_rng(3).normal(0, 2, bundle.heads.weight.shape).astype(np.float32)
    heads = replace(bundle.heads, weight=bundle.heads.weight + other)
    models = (replace(bundle, sha256="a" * 64), replace(bundle, name="tiny-new", sha256="b" * 64, heads=heads))
    old, new = (Model(each, settings.routes) for each in models)
    found = replay(Job(str(export), quiet=True), old, new, Sample(size=12), Console(quiet=True))
    write_files(folder / "replays" / "october", found, add_up(found, settings.risk), models=models)


@contextmanager
def served(bundle: Bundle, folder: Path, *, filled: bool = True) -> Iterator[tuple[str, Store]]:
    """The address of a running service for this machine alone, and its store."""
    settings = override(
        load_settings(environment={}), model=str(measured(bundle, folder / "tiny")), replays=str(folder / "replays")
    )
    save(replace(bundle, name="beside"), folder / "beside")
    replayed(bundle, folder, settings)
    store = Store.open(f"sqlite:///{folder / 'nabd.db'}")
    if filled:
        fill(store, bundle, settings)
    service = ServiceSettings(uploads=str(folder / "uploads"), batch_wait_ms=1, rate_limit="100000/minute")
    begun = time.monotonic()
    app = create_app(
        bundle, settings, service, store=store, local=True,
        loader=lambda name: load(Path(name), encoder=bundle.encoder),
        clock=lambda: NOW + timedelta(seconds=time.monotonic() - begun),
    )  # fmt: skip
    with _running(app) as address:
        yield address, store
    store.close()


@contextmanager
def _running(app: FastAPI) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        thread.join(15)

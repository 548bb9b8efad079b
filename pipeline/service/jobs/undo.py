"""What a job that did not end well had kept is taken back, so that the store holds whole files or nothing of them."""

from __future__ import annotations

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from pipeline.service import keeping
from pipeline.service.keeping import Policy
from pipeline.service.state import Service
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Customer, Feedback, Job, Message

AT_ONCE = 50  # customers a transaction


def undo(service: Service, job: Job) -> None:
    """Deletes the messages that came with this job alone, and the customers who came with them; judges the others.

    A message that was there before stays, with the score that the job gave it.
    """
    assert service.store is not None  # nosec B101 # for the types: no jobs without a store
    if job.started_at is None:
        return
    policy = keeping.policy(service)
    while _some(service.store, job, service, policy):
        pass


def _some(store: Store, job: Job, service: Service, policy: Policy) -> bool:
    """Some of the customers; whether there were any."""
    mine = (Message.source == job.id) & (Message.created_at >= job.started_at)
    with store.begin() as session:
        ids = session.scalars(select(Message.customer_id).where(mine).distinct().limit(AT_ONCE)).all()
        if not ids:
            return False
        session.execute(
            delete(Message).where(mine, Message.customer_id.in_(ids)).execution_options(synchronize_session=False)
        )
        gone = _remove_empty(session, job, [id for id in ids if id is not None])
        keeping.judge(session, [id for id in ids if id is not None and id not in gone], policy, service.clock())
    return True


def _remove_empty(session: Session, job: Job, ids: list[str]) -> set[str]:
    """Customers of whom nothing is left and who were not there before the job."""
    nothing = ~exists().where(Message.customer_id == Customer.id) & ~exists().where(Feedback.customer_id == Customer.id)
    query = delete(Customer).where(Customer.id.in_(ids), Customer.created_at >= job.started_at, nothing)
    return set(session.scalars(query.returning(Customer.id), execution_options={"synchronize_session": False}))

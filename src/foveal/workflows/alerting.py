"""Alerts on their way to people: rate limit, retries with back-off, escalation."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from foveal.core.errors import InputError, MissingExtraError
from foveal.store.journal import Alert, Journal

FIRST_RETRY_S, LAST_RETRY_S = 5.0, 3600.0
HOUR_S = 3600.0


class Notifier(ABC):
    """Delivers messages to people."""

    @abstractmethod
    def send(self, title: str, text: str, evidence: str) -> str:
        """Deliver with a picture attached; returns "" where that worked, otherwise what went wrong."""


@dataclass(frozen=True)
class AlertRules:
    """When alerts are sent."""

    quiet_s: float = 600.0  # the same trouble raises no second alert before
    per_hour: int = 12
    escalate_after_s: float | None = None


@final
class AppriseNotifier(Notifier):
    """Mail, webhooks, chats, MQTT and a hundred more, each by its URL. Source: https://github.com/caronc/apprise."""

    def __init__(self, targets: Sequence[str]) -> None:
        """Check the targets.

        Raises InputError for a URL that Apprise does not know, MissingExtraError without Apprise.
        """
        try:
            import apprise
        except ImportError:
            raise MissingExtraError("Sending alerts", "alerts") from None
        self._sender = apprise.Apprise()
        for target in targets:
            if not self._sender.add(target):
                kind = target.partition(":")[0]
                raise InputError(
                    f"No alert can be sent to a target of the form {kind}:...; see Apprise's list of URLs."
                )

    def send(self, title: str, text: str, evidence: str) -> str:
        """Deliver to all targets."""
        attached = evidence if evidence and Path(evidence).is_file() else None
        try:
            sent = self._sender.notify(title=title, body=text, attach=attached)
        except (OSError, TypeError, ValueError) as problem:
            return str(problem)
        return "" if sent else "a target did not take it"


def deliver(journal: Journal, notifiers: Sequence[Notifier | None], rules: AlertRules, title: str, now: float) -> int:
    """Send what is due, as far as the rate limit allows; returns how many were sent.

    `notifiers` are for those on duty and for those it is escalated to; without one, alerts stay in the
    journal. What cannot be delivered is kept and tried again, each time after twice the wait.
    """
    if rules.escalate_after_s is not None and len(notifiers) > 1:
        journal.escalate(now, rules.escalate_after_s)
    sent = 0
    due = [alert for alert in journal.due(now) if alert.level < len(notifiers) and notifiers[alert.level] is not None]
    room = rules.per_hour - journal.count_sent(now - HOUR_S)
    for place, alert in enumerate(due):
        notifier = notifiers[alert.level]
        if room <= 0 or notifier is None:
            break
        held = len(due) - place - room
        problem = notifier.send(title, _write(alert, held), alert.evidence)
        if problem:
            wait = min(LAST_RETRY_S, FIRST_RETRY_S * 2**alert.attempts)
            journal.mark_failed(alert.id, problem, now + wait)
        else:
            journal.mark_sent(alert.id, now)
            room -= 1
            sent += 1
    return sent


def _write(alert: Alert, held: int) -> str:
    lines = [f"{alert.text} (alert {alert.id})"]
    if alert.repeats:
        lines.append(f"Seen {alert.repeats} more times since.")
    if held > 0:
        lines.append(f"{held} more alerts are held back by the limit per hour.")
    return "\n".join(lines)

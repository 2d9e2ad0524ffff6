"""Alerts as mail, over a connection that is encrypted (STARTTLS, or TLS from the start).

Source: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (port 465), RFC 3834 (`Auto-Submitted`).
"""

from __future__ import annotations

import binascii
import html
import re
import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from piiscan.alert.sinks import NotNow, Refused, check, key, resolve, server, text_of, wording, wrong
from piiscan.alert.sinks.post import SECONDS, deadline
from piiscan.config import AwsConfig, SinkConfig

ROWS = 20
PORTS = {"starttls": 587, "tls": 465, "plain": 25}
WHOLE = 60.0
"""Seconds for one mail; each answer of the server has `post.SECONDS`."""
_HERE = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")


class EmailSink:
    """One mail an alert to all of `to`, as text and as a table."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "host sender to", "port transport user secret title")
        self.name = config.name
        self._config = config
        self._transport = config.transport or "starttls"
        if self._transport not in PORTS:
            wrong(config, f"transport is one of {', '.join(PORTS)}")
        if self._transport == "plain" and config.host not in _HERE:
            wrong(config, "transport plain is for a server on this machine")
        for setting, addresses in (("sender", (config.sender,)), ("to", config.to)):
            if not all(_ADDRESS.fullmatch(address) for address in addresses):
                wrong(config, f"{setting} is not made of addresses such as name@example.org")
        if bool(config.user) != bool(config.secret):
            wrong(config, "user and secret go together")
        self._host, self._port = server(config, PORTS[self._transport])
        self._user = text_of(config.user, config, aws)
        self._secret = resolve(config.secret, config.name, aws) if config.secret else ""
        if not (self._user + self._secret).isascii():
            wrong(config, "user and secret are of ASCII characters")

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver to all recipients. Raises: Refused for an answer of 5xx, NotNow for others, other OSErrors."""
        mail = message(alert, self._config)
        held: list[smtplib.SMTP] = []
        try:
            with deadline(WHOLE, lambda: held[0].sock if held else None):
                self._deliver(mail, held)
        except smtplib.SMTPRecipientsRefused as err:
            raise _refused(err.recipients, len(self._config.to)) from None
        except smtplib.SMTPResponseException as err:
            final = 500 <= err.smtp_code < 600 and err.smtp_code not in _CREDENTIALS
            raise (Refused if final else NotNow)(f"SMTP {err.smtp_code} ({type(err).__name__})") from None
        except (smtplib.SMTPException, binascii.Error, UnicodeError) as err:  # a challenge that is not in base64
            raise NotNow(type(err).__name__) from None
        finally:
            for mailer in held:
                mailer.close()

    def _deliver(self, mail: EmailMessage, held: list[smtplib.SMTP]) -> None:
        context = ssl.create_default_context()
        tls = self._transport == "tls"
        # Without a host they do not connect yet, so that the deadline knows what to end.
        mailer = smtplib.SMTP_SSL(timeout=SECONDS, context=context) if tls else smtplib.SMTP(timeout=SECONDS)
        held.append(mailer)
        mailer._host = self._host  # type: ignore[attr-defined]  # what the certificate is held against; `connect` keeps none
        code, _ = mailer.connect(self._host, self._port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, b"")
        if self._transport == "starttls":
            code, _ = mailer.starttls(context=context)
            if code != 220:
                raise smtplib.SMTPResponseException(code, b"")
        if self._user:
            mailer.login(self._user, self._secret)
        if refused := mailer.send_message(mail):
            raise _refused(refused, len(self._config.to))
        with suppress(OSError):  # it has the mail
            mailer.quit()


_CREDENTIALS = frozenset({530, 534, 535, 538})
"""Answers to a wrong password and the like, which is mended more often than not. Source: RFC 4954, section 6."""


def message(alert: dict[str, Any], config: SinkConfig) -> EmailMessage:
    """The mail. No name can add a header: what is not printable is escaped, and the policy refuses line ends."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(config.sender)
    mail["To"] = [_address(text) for text in config.to]
    mail["Subject"] = wording.heading(alert, config)
    mail["Date"] = formatdate(localtime=False)
    mail["Message-ID"] = f"<{key(alert)}@{config.sender.rpartition('@')[2]}>"
    mail["X-Piiscan-Alert-Id"] = key(alert)
    mail["Auto-Submitted"] = "auto-generated"
    # Not every server takes eight bits a byte.
    mail.set_content(wording.plain_text(alert, ROWS), cte="quoted-printable")
    mail.add_alternative(_html(alert, config), subtype="html", cte="quoted-printable")
    return mail


def _address(text: str) -> Address:
    name, _, domain = text.rpartition("@")
    return Address(username=name, domain=domain)


def _html(alert: dict[str, Any], config: SinkConfig) -> str:
    rows = alert["rows"][:ROWS]
    rules = wording.by_rule(alert)
    last = wording.rest(alert, len(rows))
    body = "".join(f"<tr>{''.join(map(_cell, wording.cells(row)))}</tr>\n" for row in rows)
    parts = [wording.amount(alert), *([f"By rule: {rules}"] if rules else [])]
    said = "".join(f"<p>{html.escape(part)}</p>\n" for part in parts)
    end = f"<p>{html.escape(last)}</p>\n" if last else ""
    head = f"<h3>{html.escape(wording.heading(alert, config))}</h3>\n"
    return f"<!doctype html>\n<html><body>\n{head}{said}<table>\n{body}</table>\n{end}</body></html>\n"


def _cell(cell: tuple[str, str]) -> str:
    return f"<th>{html.escape(cell[0])}</th><td>{html.escape(cell[1])}</td>"


def _refused(recipients: dict[str, tuple[int, bytes]], all_of: int) -> OSError:
    """One whom the server will never take ends it; those who were taken have it."""
    codes = sorted({code for code, _ in recipients.values()})
    said = f"{len(recipients)} of {all_of} recipients were refused (SMTP {', '.join(map(str, codes))})"
    return Refused(said) if any(500 <= code < 600 for code in codes) else NotNow(said)

"""Connect to a broker that is not ours, and say in a sentence why that fails.

Each way to be wrong has signs of its own: a TLS alert where an answer's length should be, a
certificate's verify code, a line that is cut where SASL should have begun.
"""

from __future__ import annotations

import socket
import ssl

from kafka.errors import InvalidReceiveError, KafkaError

from labs.base.errors import LabsError
from labs.base.words import Words
from labs.kafka.addresses import split
from labs.kafka.clientfile import PROPERTIES
from labs.kafka.security import Security
from labs.kafka.wire import BrokerConnection, Denied

words = Words(__file__)

TIMEOUT_S = 5.0

#: OpenSSL's X509_V_ERR_… codes.
NOT_YET_VALID, EXPIRED, HOSTNAME_MISMATCH = 9, 10, 62

#: First byte of a TLS record that holds an alert (RFC 8446 §5.1).
TLS_ALERT = 0x15


def reach(address: str, security: Security, timeout_s: float = TIMEOUT_S) -> BrokerConnection:
    """A connection over which a broker has answered who is there.

    Raises:
        LabsError: there is none; the sentence says why, and what to do.
    """
    host, port = split(address)
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError as error:
        raise _nobody(address, error) from None
    try:
        line = BrokerConnection(port, host, timeout_s, security)
    except Denied as error:
        raise _denied(address, security, error) from None
    except (OSError, KafkaError) as error:
        raise _misunderstood(address, security, error) from None
    try:
        _ = line.versions
    except (OSError, KafkaError) as error:
        line.close()
        raise _misunderstood(address, security, error) from None
    try:
        line.metadata([])
    except OSError as error:
        line.close()
        raise _silent(address, security, error) from None
    return line


def _nobody(address: str, error: OSError) -> LabsError:
    match error:
        case socket.gaierror():
            what = words("reach.no_host", address=address)
        case ConnectionRefusedError():
            what = words("reach.nothing", address=address)
        case TimeoutError():
            what = words("reach.silent", address=address)
        case _:
            what = words("reach.failed", address=address, error=error.strerror or error)
    return LabsError(what, hint=words("reach.look"))


def _mend(into: str) -> str:
    """How to mend the learner's own file: by this name or value."""
    return words("reach.mend_into", properties=PROPERTIES, into=into)


def _denied(address: str, security: Security, error: Denied) -> LabsError:
    if error.offers:
        return LabsError(
            words(
                "reach.mechanism",
                address=address,
                mechanism=security.mechanism,
                offers=", ".join(error.offers),
            ),
            hint=_mend("sasl.mechanism"),
        )
    if error.offers is not None:  # none: it asks nobody
        plain = security.protocol.removeprefix("SASL_")
        return LabsError(
            words("reach.no_user", address=address, protocol=security.protocol),
            hint=_mend("SSL" if "SSL" in plain else "PLAINTEXT"),
        )
    return LabsError(
        words("reach.denied", address=address, error=error),
        hint=words("reach.mend", properties=PROPERTIES),
    )


def _misunderstood(address: str, security: Security, error: OSError | KafkaError) -> LabsError:
    match error:
        case ssl.SSLCertVerificationError():
            return _untrusted(address, security, error)
        case ssl.SSLError() if "ALERT" in (error.reason or ""):
            return _unloved(address, security, error)
        case InvalidReceiveError() if _first_byte(error) == TLS_ALERT:
            return _wants_tls(address, security)
        case InvalidReceiveError():
            return LabsError(
                words("reach.no_kafka", address=address), hint=words("reach.look_there")
            )
        case TimeoutError():
            return LabsError(
                words("reach.no_answer", address=address),
                hint=words("reach.no_answer_hint"),
            )
    if security.encrypted:
        plain = security.protocol.replace("SSL", "PLAINTEXT")
        return LabsError(
            words("reach.no_tls", address=address, protocol=security.protocol),
            hint=words("reach.no_tls_hint", properties=PROPERTIES, protocol=plain),
        )
    return _wants_tls(address, security)


def _first_byte(error: InvalidReceiveError) -> int:
    """Of the four bytes that should have been an answer's length."""
    length = int(str(error.args[0]).rpartition(" ")[2])
    return (length >> 24) & 0xFF


def _wants_tls(address: str, security: Security) -> LabsError:
    better = security.protocol.replace("PLAINTEXT", "SSL")
    return LabsError(
        words("reach.tls", address=address, protocol=security.protocol),
        hint=words("reach.tls_hint", properties=PROPERTIES, protocol=better),
    )


def _untrusted(address: str, security: Security, error: ssl.SSLCertVerificationError) -> LabsError:
    trusted = security.ca or words("certificate.our_list")
    match error.verify_code:
        case code if code == EXPIRED:
            what = words("certificate.expired", address=address)
            hint = words("certificate.expired_hint")
        case code if code == NOT_YET_VALID:
            what = words("certificate.not_yet", address=address)
            hint = words("certificate.not_yet_hint")
        case code if code == HOSTNAME_MISMATCH:
            what = words("certificate.other_host", address=address, why=error.verify_message)
            hint = words("certificate.other_host_hint")
        case _:
            what = words("certificate.untrusted", address=address, trusted=trusted)
            hint = words("certificate.untrusted_hint", properties=PROPERTIES)
    return LabsError(what, hint=hint)


def _unloved(address: str, security: Security, error: ssl.SSLError) -> LabsError:
    """The broker sent a TLS alert: it does not take our certificate, or wants one."""
    if security.certificate is None:
        return LabsError(
            words("certificate.wanted", address=address), hint=_mend("ssl.keystore.location")
        )
    which = "expired" if "EXPIRED" in (error.reason or "") else "other"
    return LabsError(
        words(f"certificate.refused.{which}", address=address, certificate=security.certificate),
        hint=words("certificate.refused_hint"),
    )


def _silent(address: str, security: Security, error: OSError) -> LabsError:
    if isinstance(error, ssl.SSLError):
        return _misunderstood(address, security, error)
    if security.asks_who:
        return LabsError(
            words("reach.closed", address=address, error=error), hint=words("reach.again")
        )
    return LabsError(
        words("reach.asks_who", address=address),
        hint=words("reach.asks_who_hint", properties=PROPERTIES),
    )

"""Connect to a broker that is not ours, and say in a sentence why that fails.

Each way to be wrong has signs of its own: a TLS alert where an answer's length should be, a
certificate's verify code, a line that is cut where SASL should have begun.
"""

from __future__ import annotations

import socket
import ssl

from kafka.errors import InvalidReceiveError, KafkaError

from labs.base.errors import LabsError
from labs.kafka.addresses import split
from labs.kafka.clientfile import PROPERTIES
from labs.kafka.security import Security
from labs.kafka.wire import BrokerConnection, Denied

TIMEOUT_S = 5.0

#: OpenSSL's X509_V_ERR_… codes.
NOT_YET_VALID, EXPIRED, HOSTNAME_MISMATCH = 9, 10, 62

#: First byte of a TLS record that holds an alert (RFC 8446 §5.1).
TLS_ALERT = 0x15

_MEND = f"correct that in the file that {PROPERTIES} names"


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
            what = f"there is no host of the name in {address}"
        case ConnectionRefusedError():
            what = f"nothing listens on {address}"
        case TimeoutError():
            what = f"{address} does not answer"
        case _:
            what = f"{address} can't be reached ({error.strerror or error})"
    return LabsError(what, hint="look at LABS_BOOTSTRAP, and at the network (a VPN, a firewall)")


def _denied(address: str, security: Security, error: Denied) -> LabsError:
    if error.offers:
        return LabsError(
            f"{address} takes no {security.mechanism} but {', '.join(error.offers)}",
            hint=f"{_MEND}: sasl.mechanism",
        )
    if "takes no" in str(error):
        plain = security.protocol.removeprefix("SASL_")
        return LabsError(
            f"{address} does not ask for a user name, and security.protocol is {security.protocol}",
            hint=f"{_MEND}: {'SSL' if 'SSL' in plain else 'PLAINTEXT'}",
        )
    return LabsError(f"{address} does not let us in: {error}", hint=_MEND)


def _misunderstood(address: str, security: Security, error: OSError | KafkaError) -> LabsError:
    match error:
        case ssl.SSLCertVerificationError():
            return _untrusted(address, security, error)
        case ssl.SSLError() if "ALERT" in (error.reason or ""):
            return _unloved(address, security, error)
        case InvalidReceiveError() if _first_byte(error) == TLS_ALERT:
            return _wants_tls(address, security)
        case InvalidReceiveError():
            return LabsError(f"{address} is no Kafka", hint="look at LABS_BOOTSTRAP")
        case TimeoutError():
            return LabsError(
                f"{address} takes connections, but does not answer",
                hint="look whether it is a Kafka, and whether security.protocol fits",
            )
    if security.encrypted:
        return LabsError(
            f"{address} speaks no TLS, and security.protocol is {security.protocol}",
            hint=f"look at the port, or {_MEND}: {security.protocol.replace('SSL', 'PLAINTEXT')}",
        )
    return _wants_tls(address, security)


def _first_byte(error: InvalidReceiveError) -> int:
    """Of the four bytes that should have been an answer's length."""
    length = int(str(error.args[0]).rpartition(" ")[2])
    return (length >> 24) & 0xFF


def _wants_tls(address: str, security: Security) -> LabsError:
    better = security.protocol.replace("PLAINTEXT", "SSL")
    return LabsError(
        f"{address} seems to speak TLS, or is no Kafka; security.protocol is {security.protocol}",
        hint=f"look at the port, or let {PROPERTIES} name a file that says security.protocol="
        f"{better}",
    )


def _untrusted(address: str, security: Security, error: ssl.SSLCertVerificationError) -> LabsError:
    trusted = security.ca or "this machine's list of authorities"
    match error.verify_code:
        case code if code == EXPIRED:
            what = f"the certificate of {address} has expired"
            hint = "whoever runs that Kafka must renew it"
        case code if code == NOT_YET_VALID:
            what = f"the certificate of {address} is not valid yet"
            hint = "look at this machine's clock"
        case code if code == HOSTNAME_MISMATCH:
            what = f"the certificate of {address} is another host's ({error.verify_message})"
            hint = "ask for the name that it was made for"
        case _:
            what = f"the certificate of {address} is not trusted by {trusted}"
            hint = f"{_MEND}: ssl.truststore.location must name the authority that signed it"
    return LabsError(what, hint=hint)


def _unloved(address: str, security: Security, error: ssl.SSLError) -> LabsError:
    """The broker sent a TLS alert: it does not take our certificate, or wants one."""
    if security.certificate is None:
        return LabsError(
            f"{address} asks for a client certificate", hint=f"{_MEND}: ssl.keystore.location"
        )
    expired = " (it has expired)" if "EXPIRED" in (error.reason or "") else ""
    return LabsError(
        f"{address} does not take the certificate in {security.certificate}{expired}",
        hint="have whoever runs that Kafka make a new one",
    )


def _silent(address: str, security: Security, error: OSError) -> LabsError:
    if isinstance(error, ssl.SSLError):
        return _misunderstood(address, security, error)
    if security.asks_who:
        return LabsError(f"{address} closed the connection ({error})", hint="try again")
    return LabsError(
        f"{address} closed the connection: it seems to ask for a user name and a password",
        hint=f"let {PROPERTIES} name a file that says security.protocol=SASL_SSL, and who you are",
    )

"""Whose certificates are trusted: the system's authorities, those of a file, or, where a suite says so, anyone's."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from evalrun.errors import UsageError


def tls_context(environ: Mapping[str, str], *, ca_file: str = "", insecure: bool = False) -> ssl.SSLContext:
    """What a connection over TLS is made with.

    *ca_file* holds the only authorities that are trusted; without one the variables SSL_CERT_FILE and SSL_CERT_DIR of
    *environ* name them, else the system does. *insecure* trusts anyone. Raises UsageError where they cannot be read.
    """
    file = ca_file or environ.get("SSL_CERT_FILE") or None
    folder = None if ca_file else environ.get("SSL_CERT_DIR") or None
    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:  # which ssl.SSLError is too
        where = f"ca_file: {ca_file}" if ca_file else f"SSL_CERT_FILE={file}"
        raise UsageError(f"{where}: the certificates cannot be read ({error})") from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context

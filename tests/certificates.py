"""A throw-away certificate for localhost, made once a run, and clients that trust anybody."""

import atexit
import functools
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest


@functools.cache
def self_signed() -> tuple[str, str]:
    """PEM files: the chain, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH")
    folder = tempfile.mkdtemp(prefix="tls-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    chain, key = str(Path(folder) / "chain.pem"), str(Path(folder) / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-keyout", key, "-out", chain, "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return chain, key


def client_context(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A client of exactly this version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context

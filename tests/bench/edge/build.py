"""The two C programs of this bench, compiled where they are used: the load generator and the bare server."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_FLAGS = ("-O2", "-std=gnu17", "-Wall", "-Wextra")
_LIMIT_S = 120


@dataclass(frozen=True)
class Programs:
    """Paths of what was built."""

    load: Path
    bare: Path
    has_tls: bool
    """Whether the load generator speaks TLS: libssl-dev was there."""


def build(folder: Path) -> Programs:
    """Compile both into `folder` with gcc; raises CalledProcessError with its words on stderr."""
    has_tls = _has_openssl()
    tls = ("-DWITH_TLS", "-lssl", "-lcrypto") if has_tls else ()
    return Programs(_compiled(folder, "load", *tls), _compiled(folder, "bare"), has_tls)


def _compiled(folder: Path, name: str, *more: str) -> Path:
    program = folder / name
    command = ["gcc", *_FLAGS, str(HERE / f"{name}.c"), "-o", str(program), *more]
    subprocess.run(command, check=True, timeout=_LIMIT_S)
    return program


def _has_openssl() -> bool:
    source = "#include <openssl/ssl.h>\nint main(void) { return SSL_CTX_new(TLS_client_method()) == 0; }\n"
    command = ["gcc", "-x", "c", "-", "-o", "/dev/null", "-lssl", "-lcrypto"]
    tried = subprocess.run(command, input=source.encode(), capture_output=True, timeout=_LIMIT_S, check=False)
    return tried.returncode == 0

"""What every message on the wire has: a frozen type, one `KIND`, a version.

Pure. A field is only ever added, with a default, so that version N reads N-1 and N-1 skips what it does not
know. Times are Unix milliseconds.
"""

from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what travels. `KIND` names the type and `VERSION` its revision."""

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1

"""What a careful reader takes bytes on a connection for: a strict parser of requests and of responses.

Written from RFC 9112 alone and by nobody's parser, so that it can judge the one in use: whatever the edge
takes for a request must be one here, with the same method, target and body, in the same place. It is lenient
only where the RFC lets a reader be: empty lines before a request, ended by CR or LF alone even, and several
spaces in a request line.
"""

import re
from typing import NamedTuple

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([!-~]+) +HTTP/1\.([01]) *\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\Z")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\Z")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2}) [^\x00-\x08\x0a-\x1f\x7f]*\Z")


class Message(NamedTuple):
    """One request or response."""

    first: tuple[bytes, ...]
    """Method and target, or the status."""
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        """Of all fields of this name, in lower case."""
        return [value for own, value in self.fields if own.lower() == name]


class Malformed(Exception):
    """Not HTTP, or not to the end."""


def requests(data: bytes) -> tuple[list[Message], Message | None]:
    """The requests that are there whole, up to the first thing that is none; and one whose body is broken or
    still to come, which a server may answer but must not go on after."""
    found: list[Message] = []
    while True:
        try:
            (method_and_target, fields), data = _request_head(data)
        except Malformed:
            return found, None
        begun = Message(method_and_target, fields, b"")
        try:
            lengths, codings = _length(fields)
        except Malformed:
            return found, None
        try:
            body, data = _chunked(data) if codings else _exactly(int(lengths[0]) if lengths else 0, data)
        except Malformed:
            return found, begun
        found.append(begun._replace(body=body))


def responses(data: bytes, methods: list[bytes]) -> list[Message]:
    """The final responses, all of `data`; `methods` of the requests tell which have no body. Raises
    Malformed for anything else, a response that is cut short included."""
    found: list[Message] = []
    while data:
        head, data = _head(data)
        match = _STATUS.match(head[0])
        if match is None:
            raise Malformed(f"no status line: {head[0][:60]!r}")
        fields, status = _fields(head[1:]), int(match[1])
        if 100 <= status < 200:
            continue
        is_head = len(found) < len(methods) and methods[len(found)] == b"HEAD"
        body = b""
        # A parser that gave up does not know that it was HEAD; it closes, so that the body is nobody's head.
        is_head = is_head and not (status >= 400 and dict(fields).get(b"Content-Length") == b"%d" % len(data))
        if not is_head and status not in (204, 304):
            body, data = _response_body(fields, data)
        found.append(Message((match[1],), fields, body))
    return found


Fields = tuple[tuple[bytes, bytes], ...]


def _request_head(data: bytes) -> tuple[tuple[tuple[bytes, ...], Fields], bytes]:
    head, data = _head(data.lstrip(b"\r\n"))
    match = _LINE.match(head[0])
    if match is None:
        raise Malformed("no request line")
    return ((match[1], match[2]), _fields(head[1:])), data


def _head(data: bytes) -> tuple[list[bytes], bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end or b"\n" in head.replace(b"\r\n", b"") or b"\r" in head.replace(b"\r\n", b""):
        raise Malformed("no head, or a bare CR or LF in it")
    return head.split(b"\r\n"), rest


def _fields(lines: list[bytes]) -> Fields:
    matches = [_FIELD.match(line) for line in lines]
    if None in matches:
        raise Malformed("no field")
    return tuple((match[1], match[2]) for match in matches if match)


def _length(fields: Fields) -> tuple[list[bytes], list[bytes]]:
    lengths = [value for name, value in fields if name.lower() == b"content-length"]
    codings = [value.lower() for name, value in fields if name.lower() == b"transfer-encoding"]
    if len(lengths) > 1 or (lengths and (codings or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]))):
        raise Malformed("the length is not told exactly")
    if codings and codings != [b"chunked"]:
        raise Malformed("an unknown coding")
    return lengths, codings


def _response_body(fields: Fields, data: bytes) -> tuple[bytes, bytes]:
    lengths, codings = _length(fields)
    if codings:
        return _chunked(data)
    return _exactly(int(lengths[0]), data) if lengths else (data, b"")


def _exactly(n_bytes: int, data: bytes) -> tuple[bytes, bytes]:
    if len(data) < n_bytes:
        raise Malformed("the body is short")
    return data[:n_bytes], data[n_bytes:]


def _chunked(data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        line, end, data = data.partition(b"\r\n")
        match = _SIZE.match(line)
        if not end or match is None:
            raise Malformed("no chunk size")
        size = int(match[1], 16)
        if size == 0:
            break
        chunk, data = _exactly(size, data)
        body += chunk
        if not data.startswith(b"\r\n"):
            raise Malformed("the chunk has no end")
        data = data[2:]
    if data.startswith(b"\r\n"):
        return body, data[2:]
    trailers, data = _head(data)
    _fields(trailers)
    return body, data

"""The origin's JSON with the folder of each video put in as `base`. Pure.

Members that are not touched stay as the origin wrote them, and so does what has another form.
"""

from collections.abc import Callable

import msgspec

Change = Callable[[bytes], bytes | None]
"""The JSON of one value to the JSON that replaces it; None leaves a list's item out, an object has null."""


class _Named(msgspec.Struct):
    id: str


def with_member(body: bytes, name: str, value: object) -> bytes:
    """The JSON object with this member."""
    document = _object(body)
    return body if document is None else msgspec.json.encode({**document, name: value})


def with_changed(body: bytes, name: str, change: Change) -> bytes:
    """The JSON object whose member `name`, if it has one, is changed."""
    document = _object(body)
    if document is None or name not in document:
        return body
    changed = change(bytes(document[name]))
    return msgspec.json.encode({**document, name: None if changed is None else msgspec.Raw(changed)})


def with_each_changed(body: bytes, change: Change) -> bytes:
    """The JSON list whose items are changed."""
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return body
    changed = (change(bytes(item)) for item in items)
    return msgspec.json.encode([msgspec.Raw(item) for item in changed if item is not None])


def id_of(body: bytes) -> str | None:
    """The `id` of a JSON object; None when it has none."""
    try:
        return msgspec.json.decode(body, type=_Named).id
    except msgspec.DecodeError:
        return None


def _object(body: bytes) -> dict[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None

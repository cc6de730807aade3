"""Configuration: frozen dataclasses filled from defaults < a TOML file < the environment.

Every key is declared once, by `setting`, with help, unit and bounds; `load` checks against that and `render`
prints it. An unknown key or variable is refused with the nearest known name.
"""

import dataclasses
import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

from shared.errors import ConfigError

T = TypeVar("T")
REDACTED = "***"
SHARED_VARIABLES = frozenset(
    f"HEADSTART_{name}"
    for name in ("NATS_URL", "REDIS_URL", "DATABASE_URL", "MEDIA_URL", "ORIGIN_URL", "DATA_DIR")
)
"""Names that a whole deployment may export; a service without use for one overlooks it."""
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_URL_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^/@\s:]*:)[^/@\s]+(?=@)", re.IGNORECASE)


def setting(
    default: T,
    help: str,  # noqa: A002 - the word that the reader of a declaration expects
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    secret: bool = False,
    env: str = "",
) -> T:
    """Declare one key of a config dataclass. `env` is a variable that several services share."""
    facts = _Facts(help, unit, low, high, secret, env)
    return dataclasses.field(default=default, metadata={"setting": facts})


class _Facts(NamedTuple):
    help: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    secret: bool = False
    env: str = ""

    def comment(self) -> str:
        """Help, unit and bounds in one line."""
        text = self.help if not self.unit else f"{self.help} [{self.unit}]"
        if self.low is not None and self.high is not None:
            text += f" ({_digits(self.low)} to {_digits(self.high)})"
        elif self.low is not None:
            text += f" (at least {_digits(self.low)})"
        elif self.high is not None:
            text += f" (at most {_digits(self.high)})"
        return f"{text} ({self.env})" if self.env else text

    def admits(self, value: float) -> bool:
        """Whether value is inside the bounds; NaN never is, nor what has no end."""
        low = -math.inf if self.low is None else self.low
        return low <= value <= (math.inf if self.high is None else self.high) and abs(value) != math.inf


def _digits(bound: float) -> str:
    """A bound as one would type it; `g` alone rounds 1048576 to 1.04858e+06."""
    return f"{bound:.0f}" if float(bound).is_integer() else f"{bound:g}"


class _Key(NamedTuple):
    path: tuple[str, ...]
    kind: Any
    facts: _Facts


def _keys(kind: type[Any], above: tuple[str, ...] = ()) -> Iterator[_Key]:
    """Every leaf key of a config class, depth first."""
    hints = get_type_hints(kind)
    for item in dataclasses.fields(kind):
        path, of = (*above, item.name), hints[item.name]
        if dataclasses.is_dataclass(of):
            yield from _keys(cast(type[Any], of), path)
        else:
            yield _Key(path, of, item.metadata.get("setting", _Facts()))


def load(
    kind: type[T], *, prefix: str, file: Path | None, environ: Mapping[str, str], section: str = ""
) -> T:
    """A checked `kind`: defaults, then `file` (its table `section`, if given), then `environ`.

    A key `cache.ram_bytes` is the variable HEADSTART_<PREFIX>_CACHE_RAM_BYTES. Raises ConfigError.
    """
    keys = list(_keys(kind))
    values = _from_toml(keys, _read(file, section)) if file else {}
    values |= _from_environ(keys, f"HEADSTART_{prefix.upper()}_", environ)
    return _build(kind, values, ())


def _read(file: Path, section: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(f"cannot read {file}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{file} is not TOML: {exc}") from exc
    found = table.get(section, {}) if section else table
    if not isinstance(found, dict):
        raise ConfigError(f"{section} in {file} is not a table")
    return found


def _from_toml(keys: list[_Key], table: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    known = {key.path: key for key in keys}
    tables = {path[:depth] for path in known for depth in range(1, len(path))}

    def walk(part: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name, value in part.items():
            path = (*above, name)
            if path in known:
                yield path, _typed(known[path], value, ".".join(path))
            elif path in tables and isinstance(value, dict):
                yield from walk(value, path)
            elif path in tables:
                table_name = ".".join(path)
                raise ConfigError(f"{table_name} must be a table: [{table_name}]")
            else:
                names = {".".join(p) for p in (*known, *tables)}
                raise ConfigError(_unknown("key", ".".join(path), names))

    return dict(walk(table, ()))


def _from_environ(keys: list[_Key], prefix: str, environ: Mapping[str, str]) -> dict[tuple[str, ...], Any]:
    own = {prefix + "_".join(key.path).upper(): key for key in keys}
    values = {}
    for key in keys:
        if key.facts.env and key.facts.env in environ:
            values[key.path] = _typed(key, _parsed(key, environ[key.facts.env]), key.facts.env)
    for name, text in environ.items():
        if not name.startswith(prefix) or (name not in own and name in SHARED_VARIABLES):
            continue
        if name not in own:
            raise ConfigError(_unknown("variable", name, set(own)))
        values[own[name].path] = _typed(own[name], _parsed(own[name], text), name)
    return values


def _unknown(what: str, name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"unknown {what} {name}" + (f"; did you mean {near[0]}?" if near else "")


def _parsed(key: _Key, text: str) -> Any:
    """What the text of an environment variable stands for; left as text when it is not that."""
    text = text.strip()
    if key.kind is bool:
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else text
    if key.kind in (int, float):
        try:
            return key.kind(text)
        except ValueError:
            return text
    if get_args(key.kind):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _typed(key: _Key, value: Any, name: str) -> Any:
    """`value` as the key's type and inside its bounds; raises ConfigError naming the key."""
    shown = REDACTED if key.facts.secret else repr(value)[:80]
    if key.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if key.kind is Path and isinstance(value, str):
        value = Path(value)
    if get_args(key.kind) and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if type(value) is not (type(Path()) if key.kind is Path else key.kind):
        raise ConfigError(f"{name} must be {getattr(key.kind, '__name__', key.kind)}, got {shown}")
    if isinstance(value, int | float) and not key.facts.admits(value):
        raise ConfigError(f"{name} is {shown}, must be in: {key.facts.comment()}")
    return value


def _build(kind: type[T], values: dict[tuple[str, ...], Any], above: tuple[str, ...]) -> T:
    hints = get_type_hints(kind)
    chosen = {}
    for item in dataclasses.fields(cast(Any, kind)):
        path, of = (*above, item.name), hints[item.name]
        if dataclasses.is_dataclass(of):
            chosen[item.name] = _build(cast(type[Any], of), values, path)
        elif path in values:
            chosen[item.name] = values[path]
    return kind(**chosen)


def redacted_url(text: str) -> str:
    """`text` with the password of every URL in it replaced."""
    return _URL_PASSWORD.sub(rf"\g<head>{REDACTED}", text)


def _toml(value: Any, facts: _Facts) -> str:
    if facts.secret and value:
        return json.dumps(REDACTED)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item, facts) for item in value) + "]"
    if isinstance(value, str | Path):
        return json.dumps(redacted_url(str(value)), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value) if isinstance(value, bool) else repr(value)


def render(config: object) -> str:
    """`config` as TOML, each key under a comment of its help, unit and bounds; secrets are redacted."""
    lines: list[str] = []
    keys = sorted(_keys(type(config)), key=lambda key: len(key.path) > 1)
    table: tuple[str, ...] = ()
    for key in keys:
        if key.path[:-1] != table:
            table = key.path[:-1]
            lines += ["", f"[{'.'.join(table)}]"]
        value = config
        for name in key.path:
            value = getattr(value, name)
        if key.facts.help:
            lines.append(f"# {key.facts.comment()}")
        lines.append(f"{key.path[-1]} = {_toml(value, key.facts)}")
    return "\n".join(lines).strip() + "\n"

"""Configuration: precedence, types, bounds, names, redaction."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config import REDACTED, load, redacted_url, render, setting
from shared.errors import ConfigError


@dataclass(frozen=True)
class CacheLimits:
    """A table."""

    ram_bytes: int = setting(100, "What the RAM tier holds", unit="bytes", low=1, high=1000)
    is_on: bool = setting(True, "Whether to cache")


@dataclass(frozen=True)
class EdgeConfig:
    """A service's config as services write it."""

    listen: str = setting("127.0.0.1:8080", "Address of the listener")
    nats_url: str = setting("nats://127.0.0.1:4222", "The bus", env="HEADSTART_NATS_URL")
    key: str = setting("", "Signs tokens", secret=True)
    decay: float = setting(0.9, "Of the delta", low=0, high=1)
    regions: tuple[str, ...] = setting(("local",), "Served regions")
    data_dir: Path = setting(Path("data"), "Where files are kept")
    cache: CacheLimits = field(default_factory=CacheLimits)


def load_edge(
    environ: dict[str, str] | None = None, file: Path | None = None, section: str = ""
) -> EdgeConfig:
    return load(EdgeConfig, prefix="edge", file=file, environ=environ or {}, section=section)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A file that sets some keys."""
    file = tmp_path / "edge.toml"
    file.write_text('listen = "h:1"\ndecay = 1\nregions = ["a", "b"]\n[cache]\nram_bytes = 7\n')
    return file


def test_without_anything_the_defaults_hold() -> None:
    assert load_edge() == EdgeConfig()


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(toml: Path) -> None:
    config = load_edge({"HEADSTART_EDGE_LISTEN": "h:2", "HEADSTART_EDGE_CACHE_IS_ON": "no"}, toml)

    assert config == EdgeConfig(
        listen="h:2", decay=1.0, regions=("a", "b"), cache=CacheLimits(ram_bytes=7, is_on=False)
    )


def test_a_section_of_a_shared_file_is_read_alone(tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    file.write_text('[edge]\nlisten = "h:3"\n[brain]\nwhatever = 1\n')

    assert load_edge(file=file, section="edge").listen == "h:3"
    assert load_edge(file=file, section="origin") == EdgeConfig()


def test_a_services_own_variable_wins_over_the_shared_one() -> None:
    shared = {"HEADSTART_NATS_URL": "nats://shared"}

    assert load_edge(shared).nats_url == "nats://shared"
    assert load_edge(shared | {"HEADSTART_EDGE_NATS_URL": "nats://own"}).nats_url == "nats://own"


def test_a_variable_that_the_whole_deployment_exports_is_overlooked_where_it_has_no_use() -> None:
    exported = {"HEADSTART_ORIGIN_URL": "http://origin:8081"}

    assert load(EdgeConfig, prefix="origin", file=None, environ=exported) == EdgeConfig()


def test_other_services_variables_are_none_of_our_business() -> None:
    assert load_edge({"HEADSTART_BRAIN_ANYTHING": "1", "PATH": "/bin"}) == EdgeConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lisen = 'x'", "unknown key lisen; did you mean listen?"),
        ("[cache]\nram_byte = 1", "unknown key cache.ram_byte; did you mean cache.ram_bytes?"),
        ("[cash]\nram_bytes = 1", "unknown key cash; did you mean cache?"),
        ("cache = 5", r"cache must be a table: \[cache\]"),
        ("listen = 5", "listen must be str, got 5"),
        ("listen = true", "listen must be str"),
        ("decay = true", "decay must be float, got True"),
        ("decay = nan", "decay is nan"),
        ("regions = [1]", "regions must be"),
        ("[cache]\nram_bytes = 0", r"cache.ram_bytes is 0, must be in: .*\[bytes\] \(1 to 1000\)"),
        ("[cache]\nram_bytes = 1.5", "cache.ram_bytes must be int"),
        ("[cache]\nis_on = 1", "cache.is_on must be bool"),
        ("listen", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_the_keys_name(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=said):
        load_edge(file=file)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEADSTART_EDGE_LISTN", "x", "unknown variable .*did you mean HEADSTART_EDGE_LISTEN?"),
        ("HEADSTART_EDGE_CACHE_RAM_BYTES", "many", "HEADSTART_EDGE_CACHE_RAM_BYTES must be int, got 'many'"),
        ("HEADSTART_EDGE_CACHE_RAM_BYTES", "5000", "1 to 1000"),
        ("HEADSTART_EDGE_CACHE_IS_ON", "perhaps", "must be bool"),
        ("HEADSTART_EDGE_DECAY", "-0.1", "0 to 1"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_edge({name: value})


def test_an_unreadable_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_edge(file=tmp_path / "none.toml")


def test_what_is_rendered_is_the_same_config(tmp_path: Path) -> None:
    config = EdgeConfig(listen='a"b\\c\n', regions=("x", "y"), decay=1e-9, cache=CacheLimits(is_on=False))
    file = tmp_path / "edge.toml"
    file.write_text(render(config))

    assert load_edge(file=file) == config


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_renders_as_toml(text: str) -> None:
    assert tomllib.loads(render(CacheName(text)))["name"] == text


@dataclass(frozen=True)
class CacheName:
    """One free text."""

    name: str = setting("", "Any text")


def test_a_rendered_key_stands_under_its_help_unit_and_bounds() -> None:
    text = render(EdgeConfig())

    assert "# What the RAM tier holds [bytes] (1 to 1000)\nram_bytes = 100\n" in text
    assert "# The bus (HEADSTART_NATS_URL)\n" in text


def test_secrets_and_passwords_are_not_rendered() -> None:
    text = render(EdgeConfig(key="hush", nats_url="nats://me:hush@h:4222,nats://me:hush@i"))

    assert "hush" not in text
    assert f'key = "{REDACTED}"' in text
    assert f"nats://me:{REDACTED}@h:4222,nats://me:{REDACTED}@i" in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+asyncpg://u:p@h/db", f"postgresql+asyncpg://u:{REDACTED}@h/db"),
        ("redis://:p@h:1/0", f"redis://:{REDACTED}@h:1/0"),
        ("http://h:80/a:b@c", "http://h:80/a:b@c"),
        ("nats://token@h", "nats://token@h"),
    ],
)
def test_only_a_password_is_redacted_in_a_url(url: str, shown: str) -> None:
    assert redacted_url(url) == shown


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_a_number_without_an_end_is_refused_where_no_bound_is_named(value: str) -> None:
    @dataclass(frozen=True)
    class Waits:
        idle_s: float = setting(1.0, "how long", low=0)

    with pytest.raises(ConfigError, match=r"IDLE_S is .*must be in: how long"):
        load(Waits, prefix="x", file=None, environ={"HEADSTART_X_IDLE_S": value})


def test_a_bound_is_told_in_full() -> None:
    @dataclass(frozen=True)
    class Sizes:
        ram_bytes: int = setting(2**21, "RAM tier", unit="bytes", low=2**20, high=10**12)
        share: float = setting(0.5, "Of it", low=0.25)

    text = render(Sizes())

    assert "[bytes] (1048576 to 1000000000000)" in text
    assert "Of it (at least 0.25)" in text

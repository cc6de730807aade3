"""What `headstart up` starts, with which settings, and where it listens."""

from pathlib import Path

import pytest

from brain.config import BrainConfig
from edge.config import EdgeConfig
from origin.config import OriginConfig
from shared.cli.plan import PORTS_TRIED, Address, Layout, Service, address, next_free, services, trainer
from shared.config import load


def make_layout(n_workers: int = 2) -> Layout:
    return Layout(
        data_dir=Path("/srv/headstart"),
        edge=Address("0.0.0.0", 8080),
        admin=Address("127.0.0.1", 8090),
        origin=Address("127.0.0.1", 8081),
        brain=Address("127.0.0.1", 8082),
        nats_url="nats://127.0.0.1:4222",
        redis_url="unix:///srv/headstart/valkey.sock",
        n_workers=n_workers,
    )


def test_the_origin_starts_first_and_the_edge_last() -> None:
    assert [service.name for service in services(make_layout())] == [
        *("origin", "worker-1", "worker-2", "brain", "edge"),
    ]


def test_as_many_workers_start_as_are_asked_for() -> None:
    workers = [service for service in services(make_layout(5)) if service.name.startswith("worker-")]
    assert len(workers) == 5
    assert {worker.arguments for worker in workers} == {("-m", "origin", "worker")}


def test_everyone_is_told_of_the_bus_and_where_its_data_is() -> None:
    for service in services(make_layout()):
        kind = "origin" if service.name.startswith("worker") else service.name
        assert service.environ["HEADSTART_NATS_URL"] == "nats://127.0.0.1:4222"
        assert service.environ[f"HEADSTART_{kind.upper()}_DATA_DIR"] == "/srv/headstart"


KINDS = {"origin": OriginConfig, "brain": BrainConfig, "edge": EdgeConfig}


@pytest.mark.parametrize("service", [*services(make_layout()), trainer(make_layout())], ids=lambda s: s.name)
def test_a_service_understands_every_variable_that_it_is_given(service: Service) -> None:
    kind = service.arguments[1]
    load(KINDS[kind], prefix=kind, file=None, environ=service.environ)


def test_a_service_listens_where_the_layout_says() -> None:
    by_name = {service.name: service.environ for service in services(make_layout())}
    assert by_name["edge"]["HEADSTART_EDGE_LISTEN"] == "0.0.0.0:8080"
    assert by_name["edge"]["HEADSTART_EDGE_ADMIN_LISTEN"] == "127.0.0.1:8090"
    assert by_name["origin"]["HEADSTART_ORIGIN_LISTEN"] == "127.0.0.1:8081"


def test_a_worker_listens_nowhere_and_is_ready_without_a_url() -> None:
    worker = services(make_layout())[1]
    assert worker.url_file is None
    assert not any(name.endswith("LISTEN") for name in worker.environ)


def test_the_trainer_knows_the_bus_and_the_models_folder() -> None:
    assert trainer(make_layout()).arguments == ("-m", "brain", "train")
    assert trainer(make_layout()).environ["HEADSTART_BRAIN_DATA_DIR"] == "/srv/headstart"


def test_an_address_that_listens_everywhere_is_reached_on_loopback() -> None:
    assert Address("0.0.0.0", 8080).url == "http://127.0.0.1:8080"


def test_an_address_without_a_host_means_loopback() -> None:
    assert address(":9000") == Address("127.0.0.1", 9000)


@pytest.mark.parametrize("text", ["8080", "localhost:", "localhost:http", "h:70000", ""])
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        address(text)


def test_a_taken_port_moves_to_the_next_free_one() -> None:
    taken = {8080, 8081, 8082}
    assert next_free(Address("h", 8080), lambda a: a.port not in taken) == Address("h", 8083)
    assert next_free(Address("h", 8079), lambda a: a.port not in taken) == Address("h", 8079)


def test_the_search_for_a_free_port_ends() -> None:
    asked: list[Address] = []

    def never(candidate: Address) -> bool:
        asked.append(candidate)
        return False

    with pytest.raises(ValueError, match="no free port on h"):
        next_free(Address("h", 8080), never)
    assert len(asked) == PORTS_TRIED


def test_no_port_above_the_last_one_is_tried() -> None:
    with pytest.raises(ValueError, match="no free port"):
        next_free(Address("h", 65535), lambda a: False)

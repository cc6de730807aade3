"""The bench of the edge runs from end to end; `make bench-edge` is the same with time enough for figures."""

import pytest

from tests.bench.edge.__main__ import main
from tests.bench.edge.process import ROOT


@pytest.mark.bench
def test_the_edge_is_measured_beside_the_bare_server() -> None:
    words = ["--quick", "--peers", "edge", "C", "--sizes", "1024", "262144"]

    assert main([*words, "--former", str(ROOT)]) == 0

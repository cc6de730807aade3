"""RFC 9111 section 3.5: answers to requests with Authorization.

They are for one user, unless the answer says that it is for everybody.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import told

WHO = ("Authorization", "Basic Zm9vOmJhcg==")


@pytest.mark.parametrize(
    "control", ["max-age=600", "max-age=600, immutable", "max-age=600, proxy-revalidate"]
)
async def test_an_authorised_answer_is_not_shared(lab: Lab, control: str) -> None:
    path = lab.tell(told(control))
    await lab.ask(path, WHO)
    await lab.ask(path)

    assert lab.n_seen(path) == 2
    assert lab.origin.seen[0].get("Authorization") == WHO[1]


@pytest.mark.optimal
@pytest.mark.parametrize("control", ["max-age=600, public", "s-maxage=600", "max-age=600, must-revalidate"])
async def test_an_authorised_answer_that_says_so_is_shared(lab: Lab, control: str) -> None:
    path = lab.tell(told(control))
    await lab.ask(path, WHO)
    await lab.ask(path)

    assert lab.n_seen(path) == 1


async def test_private_wins_over_public(lab: Lab) -> None:
    assert not await lab.is_reused(told("max-age=600, public, private"), WHO)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("control", ["max-age=600", "no-store", "private"])
async def test_an_answer_for_one_user_does_not_touch_what_everybody_has(
    lab: Lab, method: str, control: str
) -> None:
    everybody, one = (
        told("max-age=600", ("ETag", '"a"'), ("A", "all")),
        told(control, ("ETag", '"b"'), ("A", "ann")),
    )
    path = lab.tell(everybody, one)
    await lab.ask(path)
    await lab.ask(path, WHO, ("Cache-Control", "no-cache"), method=method)

    stored = await lab.ask(path)

    if control == "max-age=600":
        assert (stored.get("A"), lab.n_seen(path)) == ("all", 2)
    else:
        assert "hit" not in stored.how

"""Which stored variants may answer which request."""

import pytest
from multidict import CIMultiDictProxy

from edge.cache.key import StorageKey, primary_key, storage_key, vary_values
from edge.cache.variants import LANGUAGE, Variants
from tests.edge_cache_builders import headers

URL = primary_key("/a")
GZIP, BROTLI = headers(Accept_Encoding="gzip"), headers(Accept_Encoding="br")
ENCODING = ("accept-encoding",)


def test_a_request_matches_its_own_variant_only() -> None:
    variants = Variants(limit=4)
    variants.add(URL, vary_values(ENCODING, GZIP))
    variants.add(URL, vary_values(ENCODING, BROTLI))

    assert variants.candidates(URL, GZIP) == [storage_key(URL, vary_values(ENCODING, GZIP))]
    assert variants.candidates(URL, headers()) == []


def test_the_latest_of_several_matches_comes_first() -> None:
    variants = Variants(limit=4)
    both = headers(Accept_Encoding="gzip", Origin="o")
    variants.add(URL, vary_values(ENCODING, both))
    variants.add(URL, vary_values(("accept-encoding", "origin"), both))

    latest, older = variants.candidates(URL, both)

    assert latest == storage_key(URL, vary_values(("accept-encoding", "origin"), both))
    assert older == storage_key(URL, vary_values(ENCODING, both))


def test_the_oldest_variant_leaves_over_the_limit() -> None:
    variants = Variants(limit=2)
    keys = [storage_key(URL, vary_values(("x",), headers(X=str(n)))) for n in range(3)]

    victims = [variants.add(URL, vary_values(("x",), headers(X=str(n)))) for n in range(3)]

    assert victims == [[URL], [], [keys[0]]]
    assert variants.keys(URL) == [URL, *keys[1:]]


def test_an_answer_without_vary_replaces_all_variants() -> None:
    variants = Variants(limit=4)
    variants.add(URL, vary_values(ENCODING, GZIP))

    assert variants.add(URL, ()) == [storage_key(URL, vary_values(ENCODING, GZIP))]
    assert variants.candidates(URL, GZIP) == []
    assert len(variants) == 0


def test_a_variant_that_no_tier_holds_is_forgotten() -> None:
    variants = Variants(limit=4)
    variants.add(URL, vary_values(ENCODING, GZIP))

    variants.remove(storage_key(URL, vary_values(ENCODING, GZIP)))
    variants.remove(StorageKey("/unknown"))

    assert len(variants) == 0


def test_requests_share_a_fill_as_far_as_the_last_answer_varied() -> None:
    variants = Variants(limit=4)

    assert variants.expected(URL, GZIP) == variants.expected(URL, BROTLI)
    variants.add(URL, vary_values(ENCODING, GZIP))

    assert variants.expected(URL, GZIP) != variants.expected(URL, BROTLI)


def speaking(value: str, **others: str) -> CIMultiDictProxy[str]:
    return headers(Accept_Language=value, **others)


@pytest.mark.parametrize("other", ["de, en", "eN, De", " en ,  de", "en;q=1.0,de;q=1", "de,,en"])
def test_wishes_that_mean_the_same_are_one_variant(other: str) -> None:
    one = vary_values((LANGUAGE,), speaking("en, de"))

    assert vary_values((LANGUAGE,), speaking(other)) == one


@pytest.mark.parametrize("other", ["en", "en, de;q=0.5", "en;q=0, de", "en de", "en;level=1, de", "*"])
def test_wishes_that_mean_something_else_are_another(other: str) -> None:
    assert vary_values((LANGUAGE,), speaking(other)) != vary_values((LANGUAGE,), speaking("en, de"))


@pytest.mark.parametrize(
    ("wish", "does_match"),
    [
        ("fr;q=0.5, de;q=1.0", True),
        ("DE", True),
        ("fr, de", False),
        ("fr, de;q=0.9", False),
        ("de;q=0", False),
        ("*", False),
        ("", False),
    ],
)
def test_a_variant_in_the_language_wanted_most_answers(wish: str, does_match: bool) -> None:
    variants = Variants(limit=4)
    values = vary_values((LANGUAGE,), speaking("en, de"))
    variants.add(URL, values, "de")

    assert variants.candidates(URL, speaking(wish)) == ([storage_key(URL, values)] if does_match else [])


def test_the_language_does_not_excuse_another_difference() -> None:
    variants = Variants(limit=4)
    names = (LANGUAGE, "cookie")
    variants.add(URL, vary_values(names, speaking("en, de", Cookie="a")), "de")

    assert variants.candidates(URL, speaking("de", Cookie="b")) == []
    assert len(variants.candidates(URL, speaking("de", Cookie="a"))) == 1


def test_the_same_wishes_come_before_the_same_language() -> None:
    variants = Variants(limit=4)
    same = vary_values((LANGUAGE,), speaking("de"))
    variants.add(URL, same, "de")
    variants.add(URL, vary_values((LANGUAGE,), speaking("en, de")), "de")

    assert variants.candidates(URL, speaking("de"))[0] == storage_key(URL, same)

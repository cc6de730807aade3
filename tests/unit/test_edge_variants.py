"""Which stored variants may answer which request."""

from edge.cache.key import StorageKey, primary_key, storage_key, vary_values
from edge.cache.variants import Variants
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

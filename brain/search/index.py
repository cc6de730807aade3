"""The full-text index (tantivy): what a card says -> its video.

Blocking: `apply`, `find` and `close` belong into a thread. The folder is made anew at each
start, for the catalogue is read then anyway; on disk it costs the machine's page cache, not our memory.
"""

import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import tantivy
from tantivy import Document, Index, Occur, Query, SchemaBuilder

from brain.search import words
from shared.messages.catalog import VideoCard

WRITER_BYTES = 32 * 1024**2
TYPO_CHARS = 5
"""From this length on a word may have one letter wrong."""
_BOOST = {"tags": 3.0, "creator": 2.0, "text": 1.0}
_PREFIX_SHARE, _TYPO_SHARE = 0.5, 0.25
"""What a word counts that only begins so, or that only resembles it."""


class SearchIndex:
    """One index in one folder. Owner of what is below it."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        builder = SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for name in _BOOST:
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        self._index = Index(self._schema, path=str(folder))
        self._writer = self._index.writer(heap_size=WRITER_BYTES, num_threads=1)
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        """Wait for merges, which still write files in the folder. Nothing can be applied after it."""
        with self._one_at_a_time:
            self._writer.wait_merging_threads()

    def apply(self, changes: Iterable[tuple[str, VideoCard | None]]) -> None:
        """Put these videos in, or take them out (None); visible when it returns."""
        with self._one_at_a_time:
            for video, card in changes:
                self._writer.delete_documents_by_term("id", video)
                if card is not None:
                    self._writer.add_document(_document(card))
            self._writer.commit()
            self._index.reload()

    def find(self, query: words.Query, n: int) -> list[tuple[str, float]]:
        """At most n videos with their scores (above 0), best first; none for an empty query."""
        wanted = [(Occur.Must, self._term("tags", tag)) for tag in query.tags]
        last = len(query.words) - 1
        for place, word in enumerate(query.words):
            wanted.append((Occur.Must, self._word(word, is_open=query.is_open and place == last)))
        if not wanted:
            return []
        searcher = self._index.searcher()
        hits = searcher.search(Query.boolean_query(wanted), n, count=False).hits
        return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in hits]

    def _word(self, word: str, *, is_open: bool) -> Query:
        """The best of: the word itself in a field, a longer one, one that resembles it."""
        ways = []
        for field, boost in _BOOST.items():
            ways.append(Query.boost_query(self._term(field, word), boost))
            if is_open and len(word) >= words.MIN_PREFIX_CHARS:
                longer = Query.fuzzy_term_query(self._schema, field, word, distance=0, prefix=True)
                ways.append(Query.const_score_query(longer, boost * _PREFIX_SHARE))
            if len(word) >= TYPO_CHARS:
                alike = Query.fuzzy_term_query(self._schema, field, word, distance=1)
                ways.append(Query.const_score_query(alike, boost * _TYPO_SHARE))
        return Query.disjunction_max_query(ways, tie_breaker=0.1)

    def _term(self, field: str, word: str) -> Query:
        return Query.term_query(self._schema, field, word, index_option="freq")


def _document(card: VideoCard) -> Document:
    tags = ["".join(words.words(tag)) for tag in card.hashtags]
    return tantivy.Document(
        id=card.id,
        tags=" ".join(tags),
        creator=" ".join(words.words(f"{card.creator_name} {card.creator_id}")),
        text=" ".join(words.words(f"{card.caption} {card.category} {card.sound_title}")),
    )

"""Refusals as clients read them: problem documents, and never a word of what the client sent."""

from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from edge import metrics
from edge.serving.guard import KEEPS_CONNECTION, Reason, Refusal, RequestLimits
from shared.web import PROBLEM_TYPE, RETRY_AFTER_S, problem_document

SERVER = "headstart-edge"


def _document(refused: Refusal) -> bytes:
    metrics.REFUSED.labels(refused.reason).inc()
    named = (("limit", refused.limit), ("actual", refused.actual))
    facts = {name: value for name, value in named if value is not None}
    return problem_document(refused.reason, refused.status, refused.detail, facts)


def answer(refused: Refusal) -> web.Response:
    """The problem document that tells a refusal; it ends the connection when the framing is in doubt."""
    headers = {"Server": SERVER}  # aiohttp would tell its own version
    if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    response = web.Response(
        body=_document(refused), status=refused.status, content_type=PROBLEM_TYPE, headers=headers
    )
    if refused.reason not in KEEPS_CONNECTION:
        response.force_close()
    return response


def rendered(refused: Refusal) -> bytes:
    """The same answer as bytes, for a connection that has no request yet."""
    body, phrase = _document(refused), HTTPStatus(refused.status).phrase
    head = (
        f"HTTP/1.1 {refused.status} {phrase}\r\nContent-Type: {PROBLEM_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def parser_refusal(error: BaseException | None, limits: RequestLimits) -> Refusal:
    """What aiohttp's parser did not like, without what the client sent."""
    if isinstance(error, LineTooLong):
        # The parser's two limits differ, so that its error tells which of them was broken.
        if str(error.args[1]) == str(parsed_chars(limits)):
            return Refusal(Reason.TARGET_LENGTH, "the target is too long", limits.target_chars)
        return Refusal(Reason.FIELD_LENGTH, "a header field is too long", limits.field_bytes)
    text = error.message if isinstance(error, BadHttpMessage) else ""
    if text.startswith("Too many headers"):
        return Refusal(Reason.N_FIELDS, "too many header fields", limits.n_fields)
    return Refusal(Reason.MALFORMED, text.partition(":")[0].partition("\n")[0][:100] or "not a request")


def parsed_chars(limits: RequestLimits) -> int:
    """Of a target: the parser reads more than is allowed, so that the refusal can tell the length."""
    return 2 * limits.target_chars

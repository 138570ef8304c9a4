"""One HTTP answer, judged before a byte of it is kept: redirects, status, kind, place and length.

The standard library's client does all that is needed here (streaming, proxies of the environment, the system's
certificates); what it would also do (ftp, file addresses, leaving https) is refused.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import osteolens
from osteolens.errors import ConfigError, DataError

USER_AGENT = f"osteolens/{osteolens.__version__}"
MOST_REDIRECTS = 10
TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
BY_HAND = "Open the address in a browser, save the ZIP, and run: osteolens download --from-zip FILE."


class RefusedError(DataError):
    """The server's answer is final: trying the same again would not help."""


class TransientError(Exception):
    """The transfer broke in a way that may pass by itself.

    Parameters
    ----------
    reason
        What happened, as the beginning of a sentence.
    retry_after
        Seconds the server asks to wait, 0 where it does not say.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OutdatedPartError(Exception):
    """What has arrived so far does not belong to the file that the server has now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer.

    Attributes
    ----------
    stream
        The body, to be closed by the receiver.
    start
        Position in the file of its first byte; 0 when the server sends everything.
    total
        Length of the whole file in bytes, None where the server does not say.
    validator
        The file's strong ETag or else its date of change, as sent; None without either.
    """

    stream: Any
    start: int
    total: int | None
    validator: str | None


def check_address(url: str) -> None:
    """Raise :class:`ConfigError` unless `url` is an http or https address in ASCII."""
    if not url.isascii():
        raise ConfigError(
            f"{url!r} has characters that an address cannot hold as they are. Copy it from the address bar of a "
            "browser, which writes them with percent signs (a host name as xn--...)."
        )
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and url.isprintable()
        (parts.hostname or "").encode("idna")  # an empty or overlong label is a ValueError
    except ValueError:
        usable = False
    if not usable or " " in url:
        raise ConfigError(f"{url!r} is not an http or https address. A ZIP on this computer is given with --from-zip.")


def open_at(url: str, start: int, validator: str | None, timeout: float) -> Answer:
    """Ask for a file from byte `start` on.

    Parameters
    ----------
    validator
        That of the part at hand: the server sends everything anew when its file has changed.
    timeout
        Seconds without a byte after which the connection counts as broken.

    Raises
    ------
    RefusedError, TransientError, OutdatedPartError
        As their docstrings say.
    """
    check_address(url)
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    request = Request(url, headers=headers)  # noqa: S310  the scheme was checked above
    try:
        response = build_opener(_Redirects).open(request, timeout=timeout)
    except HTTPError as error:
        with error:
            raise _by_status(error, url, start) from error
    except (OSError, HTTPException) as error:
        raise _broken(error, url) from error
    try:
        return _judge(response, url, start, validator)
    except BaseException:
        response.close()
        raise


def read_some(stream: Any, most: int) -> bytes:
    """Return the bytes that have come, at most `most`; b"" at the end of the body."""
    try:
        block: bytes = stream.read1(most)
    except (OSError, HTTPException) as error:
        raise TransientError(_reason(error)) from error
    return block


class _Redirects(HTTPRedirectHandler):
    """Follow redirects to http and https only, never from https to http, and not for ever."""

    max_redirections = MOST_REDIRECTS
    max_repeats = MOST_REDIRECTS
    http_error_308 = HTTPRedirectHandler.http_error_302  # Python 3.10 does not know it

    def redirect_request(  # noqa: PLR0917  the standard library's signature
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in {"http", "https"} or (req.type == "https" and scheme == "http"):
            raise HTTPError(newurl, code, "it leads away from http and https", headers, fp)
        return super().redirect_request(req, fp, 307 if code == 308 else code, msg, headers, newurl)


def _judge(response: Any, url: str, start: int, validator: str | None) -> Answer:
    headers = response.headers
    if response.status not in {200, 206}:
        raise RefusedError(f"{url} answers with status {response.status} and no file, as for a robot. {BY_HAND}")
    if headers.get_content_type() == "text/html":
        raise RefusedError(f"{url} answers with a web page instead of the ZIP. {BY_HAND}")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError(f"{url} answers with packed content that was not asked for. {BY_HAND}")
    found = _validator(headers)
    if response.status == 200:
        return Answer(response, 0, _number(headers.get("Content-Length")), found)
    place = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    if not start or place is None:
        raise RefusedError(f"{url} answers with a part of the file that was not asked for. {BY_HAND}")
    if int(place[1]) != start or (validator and found and validator != found):
        raise OutdatedPartError
    return Answer(response, start, _number(place[2]), found)


def _validator(headers: HTTPMessage) -> str | None:
    etag: str | None = headers.get("ETag")
    if etag and not etag.startswith("W/"):  # a weak ETag does not promise equal bytes
        return etag
    changed: str | None = headers.get("Last-Modified")
    return changed


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _by_status(error: HTTPError, url: str, start: int) -> Exception:
    if error.code == 416 and start:
        return OutdatedPartError()
    if error.code in TRANSIENT_STATUS:
        wait = _number(error.headers.get("Retry-After"))
        return TransientError(f"the server answers with status {error.code}", float(wait or 0))
    if 300 <= error.code < 400:
        reason = " ".join(str(error.reason).split())
        return RefusedError(f"{url}: its redirect (status {error.code}) cannot be followed: {reason}. {BY_HAND}")
    return RefusedError(f"{url} answers with status {error.code} ({error.reason}). {BY_HAND}")


def _broken(error: Exception, url: str) -> Exception:
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RefusedError(
            f"{url}: the server's certificate is not trusted ({cause.verify_message}). Set SSL_CERT_FILE to the "
            "certificates of this network, or give a ZIP with --from-zip."
        )
    return TransientError(_reason(cause))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server is silent"
    return f"the connection broke ({error or type(error).__name__})"

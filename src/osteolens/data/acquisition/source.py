"""What is known beforehand of the ZIP to bring: the BTXRD release, or a ZIP of anybody's in the same layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osteolens.data.cases import builtin_original_hashes

BTXRD_PAGE = "https://doi.org/10.6084/m9.figshare.27865398"
# The same file under two addresses: at times figshare's first one answers programs with an empty browser challenge.
BTXRD_URLS = (
    "https://ndownloader.figshare.com/files/50653575",
    "https://api.figshare.com/v2/file/download/50653575",
)
BTXRD_NOTICE = (
    "BTXRD is non-commercial research data, not for clinical use (paper CC BY-NC-ND 4.0, release page CC BY 4.0). "
    "Cite Yao et al., Scientific Data 2025, doi 10.1038/s41597-024-04311-y."
)


@dataclass(frozen=True, slots=True)
class Release:
    """A ZIP in the layout of BTXRD.

    Attributes
    ----------
    name
        How messages call it.
    urls
        Addresses of the same file, tried in this order.
    size, md5, sha256
        Of the ZIP: bytes and hexadecimal digests; None where nothing is known.
    unpacked_size
        Bytes that its files need, about.
    images
        Image stem to SHA-256 of the file; None where nothing is known.
    notice
        Terms of use and citation, told when the data set is there.
    """

    name: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None
    unpacked_size: int = 0
    images: Mapping[str, str] | None = None
    notice: str = ""

    @property
    def pinned(self) -> bool:
        """Whether the content is known beforehand, so that parts may come from any address."""
        return self.sha256 is not None


def btxrd(url: str | None = None) -> Release:
    """Return the BTXRD release on figshare; `url` is another address of the same file."""
    return Release(
        name="BTXRD",
        urls=BTXRD_URLS if url is None else (url,),
        size=840_474_929,
        md5="59132a5036d030580ccade8add8f13df",
        sha256="e7c800c3b4e090262b160525a0765f9d93bcc53d639c03806a3ac47b0ded3373",
        unpacked_size=910_000_000,  # the images alone: 896,980,444
        images={str(stem): digest for stem, digest in builtin_original_hashes().items()},
        notice=BTXRD_NOTICE,
    )


def any_zip(name: str, url: str | None = None) -> Release:
    """Return a ZIP of which nothing is known but that it should have the layout of BTXRD."""
    return Release(name=name, urls=() if url is None else (url,))

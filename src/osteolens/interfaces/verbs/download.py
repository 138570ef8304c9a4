"""The verb that brings the data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteolens.config import Config, DataOptions
from osteolens.errors import ConfigError
from osteolens.interfaces.options import AsJson, ConfigFile, DataRoot, Overrides, Quiet, resolve
from osteolens.interfaces.terminal import say
from osteolens.storage import to_json

if TYPE_CHECKING:
    from osteolens.data.acquisition import Acquisition, Release

BTXRD_ROOT = Path("data/btxrd")


def download(
    config: ConfigFile = None,
    override: Overrides = None,
    data: DataRoot = None,
    from_zip: Annotated[Path | None, typer.Option(help="A copy of the ZIP that is already at hand.")] = None,
    url: Annotated[str | None, typer.Option(help="Another address of the ZIP. Default: figshare.")] = None,
    any_zip: Annotated[
        bool, typer.Option("--any-zip", help="The ZIP is not BTXRD but has its layout: compare with no known digests.")
    ] = False,
    keep_zip: Annotated[bool, typer.Option(help="Keep the downloaded ZIP beside the data root.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Rename what is at the data root and unpack anew.")] = False,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Download BTXRD (0.84 GB), check every file, unpack it to data.root (default: data/btxrd)."""
    options = resolve(config, override, data, quiet=quiet)
    release = _release(from_zip, url, any_zip=any_zip)
    from osteolens.data import acquisition

    root = data or _root(options)
    result = acquisition.download(root, release, from_zip=from_zip, keep_zip=keep_zip, fresh=fresh)
    say(to_json(result.to_dict()).rstrip() if json else _answer(result))


def _root(options: Config) -> Path:
    """The configuration's data root; its default belongs to the phantom."""
    return BTXRD_ROOT if options.data.root == DataOptions().root else options.data.root


def _release(from_zip: Path | None, url: str | None, *, any_zip: bool) -> Release:
    if from_zip is not None and url is not None:
        raise ConfigError("give either --from-zip FILE or --url ADDRESS.")
    if any_zip and from_zip is None and url is None:
        raise ConfigError("--any-zip needs --from-zip FILE or --url ADDRESS: which ZIP?")
    from osteolens.data.acquisition import source, web

    if url is not None:
        web.check_address(url)
    if not any_zip:
        return source.btxrd(url)
    return source.any_zip(from_zip.name if from_zip is not None else f"the ZIP at {url}", url)


def _answer(result: Acquisition) -> str:
    record = result.record
    state = "already there, every file checked again" if result.already_there else "unpacked, every file checked"
    lines = [f"{record.data_set}: {record.images:,} images, {record.annotations:,} annotations; {state}."]
    if record.verified:
        lines.append("The ZIP and every single image have the digests of the release.")
    else:
        lines.append("This ZIP is not a known release: its digests were noted, there was nothing to compare them with.")
    lines += [f"put right: {line}" for line in record.put_right]
    if result.kept_zip is not None:
        lines.append(f"The ZIP was kept: {result.kept_zip}")
    if result.notice:
        lines.append(result.notice)
    lines.append(f"Next: osteolens audit --data {result.root}")
    return "\n".join(lines)

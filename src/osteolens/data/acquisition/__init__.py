"""From a ZIP on a server to a checked data root: transfer, unpack, put right, verify."""

from osteolens.data.acquisition.run import Acquisition, download
from osteolens.data.acquisition.source import Release, any_zip, btxrd

__all__ = ["Acquisition", "Release", "any_zip", "btxrd", "download"]

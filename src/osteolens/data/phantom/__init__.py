"""Generated radiographs with known truth, in the layout of the BTXRD release."""

from osteolens.data.phantom.contact_sheet import contact_sheet
from osteolens.data.phantom.generate import generate_phantom
from osteolens.data.phantom.release_zip import write_release_zip

__all__ = ["contact_sheet", "generate_phantom", "write_release_zip"]

"""Generated radiographs with known truth, in the layout of the BTXRD release."""

from osteolens.data.phantom.generate import generate_phantom

__all__ = ["generate_phantom"]

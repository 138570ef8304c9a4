"""DICOM radiographs: what is read, how stored values become grey, and what of a header may be known.

Nothing is offered here, so that :mod:`osteolens.data.images` can ask ``recognition`` without loading the rest:
``picture`` decodes, ``identity`` tells what derived objects must refer to.
"""

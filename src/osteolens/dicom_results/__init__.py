"""Answers as DICOM objects that an archive keeps beside the radiograph: picture, region and report.

``answer`` is what goes in, ``results`` makes and writes the objects.
"""

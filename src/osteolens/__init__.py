"""osteolens: honest classification of bone radiographs. Research software, not for clinical use."""

__version__ = "0.1.0"

NOT_FOR_CLINICAL_USE = "Research software. Not a medical device. Not for clinical use."

"""Coded concepts of the objects: those of SNOMED CT and DICOM where they say what is meant, private ones elsewhere."""

from __future__ import annotations

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.coding import Code

import osteolens
from osteolens.domain import BENIGN, MALIGNANT, NORMAL
from osteolens.inference.answer import Call
from osteolens.storage import fingerprint

PRIVATE = "99OSTEOLENS"
LONGEST_MEANING = 64  # characters of a code meaning (VR LO)

ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162
CLASS_ACTIVATION = Code("130402", "DCM", "Class activation")  # CID 217
COMMENT = Code("121106", "DCM", "Comment")
SOURCE_OF_PROCESSING = Code("121322", "DCM", "Source image for image processing operation")
PLAIN_RADIOGRAPHY = Code("168537006", "SCT", "Plain radiography")
SPATIAL_CONCEPT = Code("309825002", "SCT", "Spatial and Relational Concept")  # CID 7150
NO_UNITS, PERCENT = Code("1", "UCUM", "no units"), Code("%", "UCUM", "Percent")

# No public code says "output of a model" without saying that the patient has it, so these are our own.
CLASS_OUTPUT = Code("CLASS", PRIVATE, "Class of highest model output, not a diagnosis")
CLASSIFIER = Code("CLASSIFIER", PRIVATE, "Model output for a radiograph, not a diagnosis")
EVIDENCE_REGION = Code("EVIDENCE", PRIVATE, "Region of a model's evidence, not of a lesion")
EVIDENCE_CLASS = Code("EVIDENCECLASS", PRIVATE, "Class that the evidence speaks for")
EVIDENCE_SHARE = Code("SHARE", PRIVATE, "Share of the picture that the region covers")
CONFORMAL_MEMBER = Code("CONFORMAL", PRIVATE, "Class that cannot be left out (conformal set)")
CALIBRATION = Code("CALIBRATION", PRIVATE, "Calibration of the probabilities")
CALIBRATED = Code("CALIBRATED", PRIVATE, "Calibrated on validation images")
UNCALIBRATED = Code("UNCALIBRATED", PRIVATE, "Uncalibrated")
NO_CLASS = Code("NONE", PRIVATE, "None of the classes")
ABOVE, NOT_ABOVE = Code("ABOVE", PRIVATE, "Above the threshold"), Code("NOTABOVE", PRIVATE, "Not above the threshold")
NOVELTY = Code("NOVELTY", PRIVATE, "Likeness to the training radiographs")
LIKE, UNLIKE = Code("LIKE", PRIVATE, "Like them"), Code("UNLIKE", PRIVATE, "Unlike them, do not rely on the answer")
NOVELTY_SCORE = Code("NOVELSCORE", PRIVATE, "Distance from the training radiographs")
NOVELTY_LIMIT = Code("NOVELLIMIT", PRIVATE, "Largest distance that is not novel")

# Qualifier values of SNOMED CT: what a class is called. The report gives them as values of CLASS_OUTPUT.
_CLASSES = {
    NORMAL: Code("17621005", "SCT", "Normal"),
    BENIGN: Code("30807003", "SCT", "Benign"),
    MALIGNANT: Code("21594007", "SCT", "Malignant"),
}


def class_code(name: str) -> Code:
    """Return the code of a class: of SNOMED CT for those of BTXRD, else a private one that depends on its name only."""
    return _CLASSES.get(name) or _private(f"C{_digest(name)}", name)


def class_probability(name: str) -> Code:
    """Return the code of "probability of a class"."""
    return _private(f"P{_digest(name)}", f"Probability of {name}, given by the model")


def question(call: Call) -> Code:
    """Return the code of a question at an operating point."""
    return _private(f"Q{_digest(call.question, call.point)}", f"{call.question}, {call.point.replace('_', ' ')}")


def own_scheme() -> CodingSchemeIdentificationItem:
    """Return what an object tells of our private codes."""
    return CodingSchemeIdentificationItem(
        designator=PRIVATE,
        name="Private codes of osteolens, research software",
        version=osteolens.__version__,
        responsible_organization="osteolens",
    )


def _private(value: str, meaning: str) -> Code:
    short = meaning if len(meaning) <= LONGEST_MEANING else meaning[: LONGEST_MEANING - 3] + "..."
    return Code(value, PRIVATE, short)


def _digest(*names: str) -> str:
    return fingerprint(names)[:12].upper()

"""Parts of the body of which no radiograph is answered, by the terms and codes of PS3.16, annex L."""

from __future__ import annotations

_SPINE = "the spine"
_HEAD = "the head"
_CHEST = "the chest"
_ABDOMEN = "the abdomen"

# Body Part Examined, without blanks, hyphens and underscores, to the words of the refusal. What is not named here is
# read: the element is often free text in any language, and novelty is judged by the picture too.
REFUSED_PARTS = {
    **dict.fromkeys(("CHEST", "THORAX", "LUNG", "LUNGS", "HEART", "MEDIASTINUM", "RIB", "RIBS", "STERNUM"), _CHEST),
    **dict.fromkeys(("CHESTABDOMEN", "CHESTABDPELVIS", "NECKCHEST", "NECKCHESTABDOMEN", "NECKCHESTABDPELV"), _CHEST),
    **dict.fromkeys(("ABDOMEN", "ABDOMENPELVIS", "KIDNEY", "STOMACH", "COLON", "BOWEL"), _ABDOMEN),
    **dict.fromkeys(("HEAD", "HEADNECK", "SKULL", "BRAIN", "FACE", "FACIALBONES", "ORBIT", "NOSE", "SINUS"), _HEAD),
    **dict.fromkeys(("JAW", "JAWREGION", "MANDIBLE", "MAXILLA", "ZYGOMA", "TMJ", "NASALBONE", "PARANASALSINUS"), _HEAD),
    **dict.fromkeys(("TEETH", "TOOTH", "DENTAL", "MOUTH"), "the teeth"),
    **dict.fromkeys(("NECK", "THROAT", "LARYNX", "PHARYNX", "TRACHEA"), "the neck"),
    **dict.fromkeys(("SPINE", "CSPINE", "TSPINE", "LSPINE", "CTSPINE", "TLSPINE", "LSSPINE", "WHOLESPINE"), _SPINE),
    **dict.fromkeys(("CERVICALSPINE", "THORACICSPINE", "LUMBARSPINE"), _SPINE),
    **dict.fromkeys(("BREAST", "MAMMA"), "the breast"),
    **dict.fromkeys(("WHOLEBODY", "BODY"), "the whole body"),
}

# Code values of the Anatomic Region Sequence: SNOMED CT, and the older SNOMED RT where it has another.
REFUSED_CODES = {
    **dict.fromkeys(("816094009", "51185008", "T-D3000", "43799004", "39607008", "T-28000"), _CHEST),
    **dict.fromkeys(("80891009", "T-32000", "72410000", "T-D3300", "113197003", "T-11300"), _CHEST),
    **dict.fromkeys(("56873002", "T-11210", "416550000", "R-FAB55", "416775004", "R-FAB56"), _CHEST),
    **dict.fromkeys(("818981001", "113345001", "T-D4000", "818982008", "818987002"), _ABDOMEN),
    **dict.fromkeys(("69536005", "T-D1100", "774007", "89546000", "T-11100", "12738006", "T-A0100"), _HEAD),
    **dict.fromkeys(("89545001", "T-D1200", "91397008", "661005", "T-D1213", "91609006", "T-11180"), _HEAD),
    **dict.fromkeys(("70925003", "T-11170", "2095001", "T-22000", "363654007"), _HEAD),
    **dict.fromkeys(("45048000", "T-D1600"), "the neck"),
    **dict.fromkeys(("421060004", "T-D04FF", "122494005", "T-11501", "122495006", "T-11502"), _SPINE),
    **dict.fromkeys(("122496007", "T-11503", "1217257000", "1217256009", "1217253001"), _SPINE),
    **dict.fromkeys(("76752008", "T-04000"), "the breast"),
    **dict.fromkeys(("38266002", "T-D0010"), "the whole body"),
}


def refused_region(part: str, code: str) -> str | None:
    """Return the words for a part of the body that is not answered, or None.

    Parameters
    ----------
    part
        Body Part Examined, in capitals.
    code
        Code value of the Anatomic Region Sequence's first item.
    """
    term = "".join(letter for letter in part if letter not in " -_")
    return REFUSED_PARTS.get(term) or REFUSED_CODES.get(code)

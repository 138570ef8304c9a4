"""The chapters of a model card that need no figure of the evaluated part: details, intended use, factors, metrics."""

from __future__ import annotations

from osteolens.config import Config
from osteolens.reporting.chapters import Section
from osteolens.reporting.document import blocks
from osteolens.reporting.html import PageTable, count
from osteolens.reporting.run_results import RunResults
from osteolens.reporting.run_words import intervals_sentence

NOT_RECORDED = "not recorded"


def model_details(run: RunResults, checkpoint: str) -> Section:
    """Return what the model is and what it was made by.

    Parameters
    ----------
    checkpoint
        SHA-256 of the weights that answered, or :data:`NOT_RECORDED`.
    """
    return Section(
        "details",
        "Model details",
        blocks(
            "An image classifier: a network of the timm library that ends in one layer for the classes. It takes one "
            "radiograph at a time and knows nothing else of the patient.",
            PageTable(("Entry", "Value"), _identity(run, checkpoint), "The model"),
            PageTable(("Entry", "Value"), _input(run.config), "How a radiograph becomes the input"),
            "The same record of preprocessing is used in training, evaluation and inference; it is stored in the "
            "checkpoint.",
        ),
    )


def intended_use(run: RunResults) -> Section:
    """Return what the model is for and what it is not for."""
    classes = ", ".join(run.class_names)
    return Section(
        "use",
        "Intended use",
        sections=(
            Section(
                "use-primary",
                "Primary intended uses and users",
                blocks(
                    (
                        (
                            "Research on how bone radiographs are classified, and on how much of a measured figure "
                            "comes from shared cases, sources and metadata instead of the disease."
                        ),
                        "A point of comparison for other methods on the same split, scored by the same code.",
                        "Users: researchers who can judge the figures and caveats below.",
                    )
                ),
            ),
            Section(
                "use-out",
                "Out of scope",
                blocks(
                    (
                        (
                            "Any decision about a patient: diagnosis, triage, screening, second reading, follow-up. It "
                            "is not a medical device, and no part of its making followed the rules for one."
                        ),
                        (
                            "Images other than plain radiographs, and parts of the body, ages or views that the tables "
                            "below do not list."
                        ),
                        (
                            f"Any finding besides its classes ({classes}). It has no way to answer that it does not "
                            "know: a fracture, an infection, an implant or a picture of something else gets one of "
                            "these answers too."
                        ),
                        "Reading the probabilities as risks of a patient, and reading the maps as outlines of lesions.",
                    )
                ),
            ),
        ),
        blocks=(),
    )


def factors(run: RunResults) -> Section:
    """Return by what the figures are broken down, and by what they are not."""
    subgroups = run.honesty["subgroups"]
    known, refused = list(subgroups["groupings"]), subgroups["not_possible"]
    points = [
        (
            "Relevant: where a picture was made or published (center, source), sex and age of the patient, part of the "
            "body, view, kind and size of the lesion, and how the picture was exported. Figures that hold in one group "
            "need not hold in another."
        ),
        f"Evaluated, each with its number of images: {', '.join(known)}." if known else "Evaluated: none.",
        *(f"Not evaluated: {name}, because {reason}." for name, reason in refused.items()),
        (
            "Not evaluated because nothing is recorded of it: device and exposure, ethnicity, earlier treatment, "
            "quality of the picture, who made the diagnosis and how."
        ),
    ]
    return Section("factors", "Factors", blocks(points))


def metrics(run: RunResults) -> Section:
    """Return what is measured and why, how uncertain it is, and how answers are decided."""
    options = run.config.evaluation
    averaged = "averaged over the radiograph and its mirror image" if options.flip_averaging else "as the network gives"
    decisions = run.decisions
    chosen = (
        f"Thresholds, temperatures and prediction sets were chosen on the {decisions['validation']['split']} part and "
        f"seen on the {decisions['test']['split']} part; whether the {decisions['test']['split']} figures were looked "
        "at while the recipe was sought is not recorded."
        if decisions["fitted"]
        else f"Nothing was chosen on other images: {decisions['reason']}."
    )
    points = (
        (
            "Accuracy counts right answers. It depends on how common each class is, so balanced accuracy (the mean of "
            "the sensitivities), sensitivity and specificity of each class stand beside it. Precision holds for the "
            "mix of classes in this part only."
        ),
        (
            "AUC is the chance that an image of the class scores higher than one of another class; average precision "
            "is the area under the precision-recall curve."
        ),
        f"The answer is the most probable class; probabilities are {averaged}. {chosen}",
        intervals_sentence(run),
        (
            f"Groups of fewer than {count(run.honesty['subgroups']['fewest_ranked'])} images are shown but not ranked, "
            f"by macro AUC those with fewer than {count(run.honesty['subgroups']['fewest_cases'])} cases of a class. "
            "No correction is made for looking at many groups."
        ),
        "What cannot be computed is not defined, with the reason; it is never counted as 0.",
    )
    return Section("metrics", "Metrics", blocks(points))


def _identity(run: RunResults, checkpoint: str) -> tuple[tuple[str, str], ...]:
    config, provenance = run.config, run.provenance
    packages = provenance.get("packages", {})
    parameters = provenance.get("parameters")
    attention = f" with {config.model.attn_layer.upper()} in every residual block" if config.model.attn_layer else ""
    return (
        ("Name", f"{config.experiment}, split {run.name}"),
        ("Made by", f"the osteolens authors, osteolens {provenance.get('osteolens', NOT_RECORDED)}"),
        ("Commit of the source code", str(provenance.get("commit") or NOT_RECORDED)),
        ("Licence", "of the code: Apache License 2.0; of the weights and of those they started from: not recorded"),
        ("Network", f"{config.model.backbone}{attention}"),
        ("Parameters", NOT_RECORDED if parameters is None else count(parameters)),
        ("Starting weights", _starting_weights(config)),
        ("Classes", ", ".join(run.class_names)),
        ("Weights", f"{config.experiment}_{run.name}_best.pt"),
        ("SHA-256 of the weights", checkpoint),
        ("Seed", str(config.seed)),
        ("Repeatable", "same steps, same digits on the same processor" if config.deterministic else "not to the digit"),
        ("Made with", ", ".join(f"{name} {version}" for name, version in packages.items()) or NOT_RECORDED),
        ("Made on", f"{provenance.get('device', NOT_RECORDED)}, {provenance.get('platform', NOT_RECORDED)}"),
        ("Date, contact", NOT_RECORDED),
    )


def _starting_weights(config: Config) -> str:
    if config.model.weights is not None:
        return f"those of the file {config.model.weights.name}"
    return "pretrained ones of the timm hub" if config.model.pretrained else "random"


def _input(config: Config) -> tuple[tuple[str, str], ...]:
    record = config.preprocessing()
    off = "off"
    return (
        ("Size", f"{record.size} x {record.size} pixels, {record.channels} channels"),
        ("Fitted by", f"{record.resize}, {record.interpolation} interpolation"),
        ("Base picture", off if record.supersampling == 1 else f"{record.supersampling:g} times as large"),
        ("Resolution equalised", off if record.equalise_resolution is None else f"to {record.equalise_resolution}"),
        ("Background blanked", "on" if record.clean_background else off),
        ("Grey values stretched", off if record.intensity == "none" else record.intensity),
        ("CLAHE", "on" if record.clahe else off),
        ("Mean, deviation", f"{_listed(record.mean)}; {_listed(record.std)}"),
    )


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)

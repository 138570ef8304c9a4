"""Typed options, one model per concern, read from YAML plus overrides; every problem is reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from typing_extensions import Self

from osteolens.domain import (
    BTXRD_CLASSES,
    NORMAL,
    SCHEME_FAMILIES,
    SPLIT_SCHEMES,
    Intensity,
    Interpolation,
    Preprocessing,
    ResizeMode,
)
from osteolens.errors import ConfigError
from osteolens.storage import fingerprint, write_text

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true where a number belongs: pydantic would read 1."""
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and field.annotation is not bool:
            raise ValueError("true and false are no answer here")
        return value


OwnColumn = Literal["image_id", "label", "case_id", "center", "source", "age", "gender"]


def _as_text(values: Any) -> Any:
    """Let a table's 0 and 1 be written without quotes; YAML has already taken a bare yes or no for something else."""
    if not isinstance(values, dict):
        return values
    if any(isinstance(key, bool) for key in values):
        raise ValueError("put yes, no, true and false in quotes")
    return {str(key): value for key, value in values.items()}


class DataOptions(_Options):
    """Where the radiographs lie and how they become a network's input."""

    root: Path = Field(Path("data/phantom"), description="folder that holds images/, Annotations/ and dataset.csv")
    images_dir: str = Field("images", description="folder of the images, relative to the data root")
    annotations_dir: str = Field(
        "Annotations", description="folder of the LabelMe files or PNG masks, relative to the data root"
    )
    metadata: str | None = Field(
        "dataset.csv",
        description="metadata table (CSV or XLSX), relative to the data root; null: a folder of images per class",
    )
    columns: dict[OwnColumn, str] = Field(
        default_factory=dict,
        description="own data: what the table calls image_id, label, case_id, center, source, age or gender",
    )
    label_values: Annotated[dict[str, str], BeforeValidator(_as_text)] = Field(
        default_factory=dict, description="own data: class of each value in the label column, or of each class folder"
    )
    case_table: str | None = Field(
        None,
        description="CSV image_id,case_id,source in the data root; null: cases.csv there or the built-in table",
    )
    split_files: dict[str, str] = Field(
        default_factory=dict, description="further schemes: name to a CSV image_id,split relative to the data root"
    )
    image_size: Annotated[int, Field(ge=16, le=2048)] = Field(224, description="side of the network's input in pixels")
    resize: ResizeMode = Field("letterbox", description="letterbox keeps the aspect ratio, stretch does not")
    interpolation: Interpolation = Field("area", description="area averages when shrinking; bilinear does not")
    supersampling: Annotated[float, Field(ge=1, le=4)] = Field(
        1.6,
        description="inputs are sampled from a base picture this many times as large, so that rotated training "
        "pictures are as sharp as untouched test pictures; 1 is off",
    )
    clahe: bool = Field(
        False, description="contrast-limited equalisation of every picture, in training and at inference"
    )
    equalise_resolution: Annotated[int, Field(ge=16, le=4096)] | None = Field(
        None, description="every picture is first shrunk to sides of at most this many pixels; null is off"
    )
    clean_background: bool = Field(
        False, description="blank frames, letters, plates and air outside the body, in training and at inference"
    )
    intensity: Intensity = Field(
        "none", description="percentile: stretch the body's grey values from their 1st and 99th percentile to 0 and 255"
    )
    split_fractions: tuple[Fraction, Fraction, Fraction] = Field(
        (0.70, 0.15, 0.15), description="train, val and test share of the schemes stratified and case"
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        None, description="seed of the division alone, to train several seeds on one division; null: the one seed"
    )
    folds: Annotated[int, Field(ge=2, le=100)] = Field(
        5, description="folds of the scheme case-kfold; each is the test part of one manifest, case-fold-1 and so on"
    )
    split_schemes: tuple[str, ...] = Field(("stratified", "case"), description="schemes that `split` and `run` make")

    @model_validator(mode="after")
    def _fractions_sum_to_one(self) -> Self:
        if abs(sum(self.split_fractions) - 1) > 1e-6 or min(self.split_fractions) <= 0:
            raise ValueError("split_fractions must be above 0 and sum to 1")
        return self


PhantomSite = Literal["knee", "shin", "thigh", "ankle", "hip", "shoulder", "upper arm", "elbow", "forearm", "hand"]


class ShortcutOptions(_Options):
    """Cues beside the lesion that give the class away, each of chosen strength."""

    marker: Fraction = Field(
        0.0, description="share of malignant pictures that bear a marker plate, which no other picture bears"
    )
    export_size: Fraction = Field(
        0.0, description="how far hospital_g exports small pictures and takes the malignant cases; 1: as in BTXRD"
    )
    metadata: Fraction = Field(1.0, description="share of normals whose site is left empty; 1: all, as in BTXRD")


class PhantomOptions(_Options):
    """The generated data set."""

    images: Annotated[int, Field(ge=30, le=100_000)] = Field(240, description="number of radiographs")
    longest_side: Annotated[int, Field(ge=96, le=4096)] = Field(384, description="median longest side in pixels")
    sites: tuple[PhantomSite, ...] = Field(get_args(PhantomSite), description="parts of the body that are taken")
    lesion_scale: Annotated[float, Field(ge=0.3, le=3)] = Field(
        1.0, description="factor on a lesion's width and length"
    )
    lesion_contrast: Annotated[float, Field(gt=0, le=5)] = Field(
        1.0, description="factor on what a lesion adds to the attenuation or takes away; 1 follows physics"
    )
    duplicate_rate: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.0056, description="share of pictures that are byte-for-byte copies; BTXRD has 21 of 3,746"
    )
    duplicate_conflicts: Fraction = Field(
        0.1, description="share of those copies that are listed as Normal though they show a tumour; BTXRD has 2 of 21"
    )
    label_oddity_rate: Annotated[float, Field(ge=0, le=0.2)] = Field(
        0.0013, description="share of metadata rows with two subtypes, views or regions, no view, or another suffix"
    )
    coloured_rate: Annotated[float, Field(ge=0, le=0.2)] = Field(
        0.012, description="share of coloured pictures; BTXRD has 45 of 3,746"
    )
    jpg_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0072, description="share of files that end in .jpg instead of .jpeg; BTXRD has 27 of 3,746"
    )
    shortcuts: ShortcutOptions = ShortcutOptions()

    @model_validator(mode="after")
    def _some_site(self) -> Self:
        if not self.sites:
            raise ValueError("sites must name at least one part of the body")
        return self


class ModelOptions(_Options):
    """The network."""

    backbone: str = Field("efficientnet_b0", description="timm model name of a family in models/families.py")
    attn_layer: Literal["cbam"] | None = Field(
        None, description="attention put into every residual block (ResNet family)"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.2, description="dropout before the classifier")
    pretrained: bool = Field(False, description="ImageNet weights from the hub; needs a network")
    weights: Path | None = Field(
        None, description="local ImageNet weights, .safetensors or a safe .pth; instead of the hub"
    )
    pad_type: Literal["", "same"] = Field("", description="'same' for weights that came from TensorFlow")
    mean: tuple[float, float, float] = Field((0.485, 0.456, 0.406), description="input mean the weights expect, 0 to 1")
    std: tuple[Positive, Positive, Positive] = Field((0.229, 0.224, 0.225), description="input deviation, 0 to 1")

    @model_validator(mode="after")
    def _one_source_of_weights(self) -> Self:
        if self.pretrained and self.weights is not None:
            raise ValueError("model.pretrained and model.weights exclude each other: set one of them to false / null")
        return self


class AugmentationOptions(_Options):
    """Random changes of a training picture; the mask of the lesion moves with it."""

    horizontal_flip: Fraction = Field(0.5, description="probability of a left-right flip")
    rotation: Annotated[float, Field(ge=0, le=180)] = Field(15.0, description="largest rotation in degrees, either way")
    scale: Annotated[float, Field(ge=0, lt=1)] = Field(0.15, description="largest relative zoom, either way")
    translation: Annotated[float, Field(ge=0, lt=1)] = Field(0.05, description="largest shift as a share of the side")
    brightness: Annotated[float, Field(ge=0, lt=1)] = Field(0.15, description="largest relative change of brightness")
    contrast: Annotated[float, Field(ge=0, lt=1)] = Field(0.15, description="largest relative change of contrast")
    vertical_flip: Fraction = Field(0.0, description="probability of an upside-down flip")
    zoom_in: Annotated[float, Field(ge=0, le=4)] = Field(
        0.0, description="largest further relative zoom in, about a random centre that keeps an outlined lesion in view"
    )
    lesion_free: Fraction = Field(
        0.0,
        description="probability that zoom_in shows a part of an outlined picture without its lesion, as a Normal: "
        "then nothing but the lesion tells the two parts apart",
    )
    gamma: Annotated[float, Field(ge=0, lt=4)] = Field(
        0.0, description="largest relative change of the exponent of the grey values, either way"
    )
    low_resolution: Annotated[float, Field(ge=1, le=8)] = Field(
        1.0, description="every other picture is shrunk by up to this factor and enlarged again; 1 is off"
    )
    sharpness: Fraction = Field(
        0.0, description="largest amount of sharpening or blurring; 1 doubles the fine detail or takes all of it"
    )
    noise: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0, description="largest standard deviation of Gaussian noise as a share of the grey range"
    )
    erase: Fraction = Field(
        0.0, description="probability that an even rectangle covers 2 to 10 % of the picture, never an outlined lesion"
    )

    @property
    def avoids_lesions(self) -> bool:
        """Whether a draw depends on where the lesion lies."""
        return self.zoom_in > 0 or self.erase > 0

    @model_validator(mode="after")
    def _parts_are_zoomed(self) -> Self:
        if self.lesion_free > 0 and self.zoom_in == 0:
            raise ValueError("lesion_free shows a part of a picture: set zoom_in above 0, for example to 1")
        return self


class TrainingOptions(_Options):
    """The recipe."""

    split_strategy: str = Field("stratified", description="the split scheme to train on")
    epochs: Count = Field(50, description="largest number of epochs")
    batch_size: Count = Field(32, description="images per step, shared out among the devices")
    learning_rate: Positive = Field(3e-4, description="AdamW learning rate at its highest")
    head_learning_rate: Positive | None = Field(
        None, description="learning rate of the classifier at its highest; null: as the rest of the network"
    )
    layer_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="factor on the learning rate from each layer to the one before it; 1: the same for all"
    )
    freeze: Fraction = Field(
        0.0,
        description="share of the layers, from the input on, that keep their weights and batch statistics; "
        "1: all but the classifier",
    )
    freeze_epochs: Count | None = Field(None, description="first epochs in which `freeze` holds; null: all epochs")
    weight_decay: NotNegative = Field(1e-4, description="AdamW weight decay; not applied to biases and norms")
    scheduler: Literal["cosine", "onecycle"] = Field("cosine", description="warm-up + cosine, or one cycle")
    warmup_epochs: NotNegative = Field(3, description="epochs of linear warm-up before the cosine")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(0.1, description="0 is off")
    sampling: Literal["shuffle", "class", "class_source"] = Field(
        "shuffle",
        description="shuffle: each picture once an epoch; class: each class equally often; class_source: also the "
        "sources within a class more evenly. The last two want class_weighting none, or classes are balanced twice",
    )
    sampling_power: Fraction = Field(
        0.5,
        description="class_source: a source's share of its class goes with its number of pictures to the power of "
        "1 minus this; 1: each source equally often, 0: as they are",
    )
    class_weighting: Literal["none", "balanced", "sqrt_balanced"] = Field(
        "balanced", description="weight of a class in the loss: inverse frequency, its square root, or none"
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="moving average of the weights; 0 is off. Step t decays by (1 + t) / (10 + t) at most"
    )
    gradient_clip: NotNegative = Field(1.0, description="largest norm of the gradient; 0 is off")
    accumulation: Count = Field(1, description="batches per optimiser step")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field("32-true", description="arithmetic of the step")
    devices: Count = Field(1, description="number of devices, one process each; batch_size must be a multiple of it")
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="kind of device")
    early_stopping_patience: Count = Field(15, description="epochs without improvement before stopping")
    monitor: Literal["val_loss", "val_macro_auc", "val_accuracy"] = Field(
        "val_macro_auc", description="validation figure by which the best epoch is chosen"
    )
    compile: bool = Field(False, description="compile the network (torch.compile): slow to start, then faster on GPUs")
    annotations: bool = Field(False, description="add a copy of each annotated image, dimmed outside the lesion")
    dim_factor: Fraction = Field(0.5, description="brightness left outside the lesion in those copies")
    threads: Count | None = Field(
        None,
        description="CPU threads of each process; null: its share of the cores. Sums round by it, so figures do",
    )
    workers: Annotated[int, Field(ge=0)] = Field(0, description="loading processes; 0 loads in the training process")
    tracking: Literal["none", "tensorboard"] = Field(
        "none",
        description="tensorboard: also write each epoch's figures for TensorBoard, into the run's folder "
        "(pip install 'osteolens[tracking]'). The log is there without it",
    )

    @model_validator(mode="after")
    def _equal_shares(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"training.batch_size = {self.batch_size} cannot be shared out equally among training.devices = "
                f"{self.devices}: choose a multiple"
            )
        return self


class EvaluationOptions(_Options):
    """Figures and their intervals."""

    bootstrap_resamples: Annotated[int, Field(ge=100)] = Field(1000, description="bootstrap resamples, by case")
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="level of every interval")
    flip_averaging: bool = Field(
        True,
        description="average the probabilities of a picture and its mirror image, also when epochs are compared",
    )


class ExplanationOptions(_Options):
    """Class-activation maps, galleries and their scores."""

    method: Literal["auto", "closed_form", "gradcam"] = Field("auto", description="auto: closed form where it is exact")
    gallery_size: Annotated[int, Field(ge=1, le=20)] = Field(5, description="images per group (TP, FP, FN) and class")
    iou_thresholds: tuple[Fraction, ...] = Field(
        (0.3, 0.5, 0.7), description="map thresholds, as a share of its maximum"
    )
    comparison_panels: Annotated[int, Field(ge=1, le=50)] = Field(8, description="rows of annotation_comparison.png")


class InferenceOptions(_Options):
    """Answers for new pictures."""

    default_checkpoint: Path | None = Field(None, description="used when --checkpoint is not given")
    batch_size: Count = Field(32, description="images per forward pass")


class PathOptions(_Options):
    """Where results go."""

    results_dir: Path = Field(Path("results"), description="run folders: <results_dir>/<experiment>/<split>/")
    checkpoints_dir: Path = Field(Path("checkpoints"), description="<experiment>_<split>_best.pt and _last.pt")
    splits_dir: Path | None = Field(None, description="split manifests; null: <results_dir>/<experiment>/splits")
    cache_dir: Path = Field(Path("cache"), description="decoded images, safe to delete")


class Config(_Options):
    """Everything a command needs to know. One seed governs every random choice."""

    experiment: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = Field(
        "default", description="name of the experiment; names the run folder and the checkpoints"
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(42, description="the one seed")
    deterministic: bool = Field(True, description="same command, same seed, same CPU: same figures")
    class_names: tuple[str, ...] = Field(BTXRD_CLASSES, description="classes in the order of the network's outputs")
    data: DataOptions = DataOptions()
    phantom: PhantomOptions = PhantomOptions()
    model: ModelOptions = ModelOptions()
    augmentation: AugmentationOptions = AugmentationOptions()
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions = EvaluationOptions()
    explanation: ExplanationOptions = ExplanationOptions()
    inference: InferenceOptions = InferenceOptions()
    paths: PathOptions = PathOptions()

    @model_validator(mode="after")
    def _known_schemes(self) -> Self:
        known = (*SPLIT_SCHEMES, *self.data.split_files)
        folds = {f"{SCHEME_FAMILIES['case-kfold']}{number}" for number in range(1, self.data.folds + 1)}
        wanted = {*self.data.split_schemes, self.training.split_strategy} - {*known, *folds}
        # Which sources there are is known to the data set only.
        if unknown := sorted(name for name in wanted if not name.startswith(SCHEME_FAMILIES["source"])):
            raise ValueError(
                f"unknown split scheme(s) {', '.join(unknown)}; known are {', '.join(known)}; "
                f"also single ones, case-fold-1 to case-fold-{self.data.folds} and source-NAME"
            )
        if len(set(self.class_names)) != len(self.class_names) or len(self.class_names) < 2:
            raise ValueError("class_names must hold at least two different names")
        return self

    @model_validator(mode="after")
    def _parts_without_a_lesion_have_a_class(self) -> Self:
        if self.augmentation.lesion_free > 0 and NORMAL not in self.class_names:
            raise ValueError(f"augmentation.lesion_free needs a class named {NORMAL} among class_names")
        return self

    @model_validator(mode="after")
    def _usable_preprocessing(self) -> Self:
        try:
            self.preprocessing()
        except ConfigError as error:
            raise ValueError(" ".join(error.problems).removesuffix(".")) from error
        return self

    @property
    def splits_dir(self) -> Path:
        """Folder of this experiment's split manifests."""
        return self.paths.splits_dir or self.paths.results_dir / self.experiment / "splits"

    @property
    def split_seed(self) -> int:
        """Seed of the division into train, val and test."""
        return self.seed if self.data.split_seed is None else self.data.split_seed

    def preprocessing(self) -> Preprocessing:
        """Return the record that training, evaluation and inference share."""
        return Preprocessing(
            size=self.data.image_size,
            resize=self.data.resize,
            interpolation=self.data.interpolation,
            mean=self.model.mean,
            std=self.model.std,
            clahe=self.data.clahe,
            supersampling=self.data.supersampling,
            equalise_resolution=self.data.equalise_resolution,
            clean_background=self.data.clean_background,
            intensity=self.data.intensity,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, fit for YAML, JSON and a checkpoint."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the configuration as YAML, in the order of the sections."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    def save(self, path: Path) -> Path:
        """Write the resolved configuration."""
        return write_text(path, self.to_yaml())

    def fingerprint(self, *sections: str) -> str:
        """Return a short hash of the named sections (all of them when none is named)."""
        values = self.to_dict()
        return fingerprint({name: values[name] for name in sections or values})

    def with_overrides(self, *overrides: str) -> Config:
        """Return a copy with ``section.key=value`` changes applied and everything checked again."""
        values, problems = _apply(self.to_dict(), overrides)
        return _validate(values, problems, origin="--override")


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file (or the defaults), apply overrides, check everything.

    Parameters
    ----------
    path
        YAML file; None means the built-in defaults, which are those of ``configs/default.yaml``.
    overrides
        Strings ``section.key=value``; the value is read as YAML, so ``null``, lists and numbers work.

    Raises
    ------
    ConfigError
        One sentence per problem of the file and of all overrides together.
    """
    values: dict[str, Any] = {}
    origin = "the configuration"
    if path is not None:
        values, origin = _read_yaml(path), str(path)
    values, problems = _apply(values, overrides)
    return _validate(values, problems, origin)


def known_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every dotted key of the configuration with its description."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from known_keys(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.description or ""


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"the configuration file {path} does not exist.") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        detail = " ".join(str(error).split())
        raise ConfigError(f"{path} is not a readable YAML file: {detail}.") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold sections such as 'training:', not a {type(values).__name__}.")
    return values


def _apply(values: dict[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return `values` with the overrides put in, and the sentences on overrides that are not well formed."""
    values = yaml.safe_load(yaml.safe_dump(values)) or {}
    problems = []
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key.strip():
            problems.append(f"--override {override!r} must look like section.key=value.")
            continue
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            problems.append(f"--override {override!r}: the value is not valid YAML.")
            continue
        *parents, leaf = key.strip().split(".")
        node: Any = values
        for parent in parents:
            if isinstance(node, dict) and node.get(parent) is None:  # absent, or a heading with nothing under it
                node[parent] = {}
            node = node[parent] if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[leaf] = value
        else:
            problems.append(_unknown_key(key.strip(), "--override"))
    return values, problems


def _validate(values: dict[str, Any], problems: list[str], origin: str) -> Config:
    """Check everything; rules across keys are looked at again without the keys that are wrong by themselves."""
    while True:
        try:
            config = Config.model_validate(values)
            break
        except ValidationError as error:
            details = error.errors()
        problems = [*problems, *(_sentence(detail, origin) for detail in details)]
        taken_out = [_without(values, detail["loc"]) for detail in details]
        if not any(taken_out):
            break
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return config


def _without(values: dict[str, Any], loc: tuple[int | str, ...]) -> bool:
    """Take the key of a problem out of `values`; return whether there was one to take out."""
    node: Any = values
    for part in loc[:-1]:
        node = node.get(part) if isinstance(node, dict) and isinstance(node.get(part), dict) else None
        if node is None:
            break
    if isinstance(node, dict) and loc and loc[-1] in node:
        del node[loc[-1]]
        return True
    return False


def _sentence(detail: ErrorDetails, origin: str) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return _unknown_key(key, origin)
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    where = f"{key} = {detail['input']!r}" if key and not isinstance(detail["input"], dict) else key
    return f"{origin}: {where + ': ' if where else ''}{message}."


def _unknown_key(key: str, origin: str) -> str:
    known = [name for name, _ in known_keys()]
    sections = sorted({name.partition(".")[0] for name in known})
    # the right key under the wrong section comes before keys that only look alike
    same_leaf = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    near = difflib.get_close_matches(key, same_leaf or [*known, *sections], n=1, cutoff=0 if same_leaf else 0.6)
    hint = f"did you mean {near[0]}?" if near else f"the sections are {', '.join(sections)}."
    return f"{origin}: unknown key {key}; {hint}"

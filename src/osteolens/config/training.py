"""Options of the recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from osteolens.config.base import Count, Fraction, NotNegative, Options, Positive


class TrainingOptions(Options):
    """The recipe."""

    split_strategy: str = Field("stratified", description="the split scheme to train on")
    epochs: Count = Field(50, description="largest number of epochs")
    batch_size: Count = Field(
        32,
        description="images per step, shared out among the devices; an epoch's last batch is left out unless full",
    )
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
        "1: all but the classifier, and above 0 at least one",
    )
    freeze_epochs: Count | None = Field(None, description="first epochs in which `freeze` holds; null: all epochs")
    weight_decay: NotNegative = Field(1e-4, description="AdamW weight decay; not applied to biases and norms")
    scheduler: Literal["cosine", "onecycle"] = Field(
        "cosine",
        description="cosine: warm-up, then a cosine; onecycle: one cycle, which also takes AdamW's beta1 from 0.95 "
        "down to 0.85 and back",
    )
    warmup_epochs: NotNegative = Field(
        3, description="cosine only: epochs of linear warm-up before it, half of `epochs` at most"
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(0.1, description="0 is off")
    sampling: Literal["shuffle", "class", "class_source"] = Field(
        "shuffle",
        description="shuffle: each picture once an epoch; class: each class equally often; class_source: also the "
        "sources within a class more evenly. The last two want class_weighting none, or classes are balanced twice",
    )
    sampling_power: Fraction = Field(
        0.5,
        description="class_source only: a source's share of its class goes with its number of pictures to the power of "
        "1 minus this; 1: each source equally often, 0: as they are",
    )
    class_weighting: Literal["none", "balanced", "sqrt_balanced"] = Field(
        "balanced", description="weight of a class in the loss: inverse frequency, its square root, or none"
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="moving average of the weights; 0 is off. Step t decays by (1 + t) / (10 + t) at most"
    )
    gradient_clip: NotNegative = Field(1.0, description="largest norm of the gradient; 0 is off")
    accumulation: Count = Field(1, description="batches per optimiser step; fewer in the last step of an epoch")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field("32-true", description="arithmetic of the step")
    devices: Count = Field(
        1,
        description="number of devices, one process each; batch_size must be a multiple of it; "
        "on a CPU one per core at most",
    )
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="kind of device")
    early_stopping_patience: Count = Field(
        15, description="epochs without an improvement of more than 1e-6 before stopping"
    )
    monitor: Literal["val_loss", "val_macro_auc", "val_accuracy"] = Field(
        "val_macro_auc", description="validation figure by which the best epoch is chosen"
    )
    compile: bool = Field(False, description="compile the network (torch.compile): slow to start, then faster on GPUs")
    annotations: bool = Field(False, description="add a copy of each annotated image, dimmed outside the lesion")
    dim_factor: Fraction = Field(
        0.5,
        description="annotations only: brightness left outside the lesion in those copies; one whose lesion is shifted "
        "out of view is not dimmed",
    )
    annotation_share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0,
        description="share of the outlined training pictures of each class whose outlines are used, at least one; for "
        "dimmed copies, guidance and random changes alike",
    )
    guidance_weight: NotNegative = Field(
        0.0,
        description="attention guidance: weight of the loss that draws the evidence for the true class into the "
        "lesion's outline, on Normals into random regions; 0 is off",
    )
    guidance_warmup: NotNegative = Field(2, description="first epochs over which that weight rises from 0")
    guidance_margin: Annotated[float, Field(ge=0, le=0.25)] = Field(
        0.02, description="border around an outline in which evidence counts as inside, as a share of the side"
    )
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
    def _something_is_frozen(self) -> Self:
        if self.freeze_epochs is not None and self.freeze == 0:
            raise ValueError(
                f"training.freeze_epochs = {self.freeze_epochs}, but training.freeze is 0, so nothing is frozen: set "
                "training.freeze above 0, for example to 1"
            )
        return self

    @model_validator(mode="after")
    def _equal_shares(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"training.batch_size = {self.batch_size} cannot be shared out equally among training.devices = "
                f"{self.devices}: choose a multiple"
            )
        return self

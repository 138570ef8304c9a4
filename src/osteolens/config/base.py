"""What the sections of the configuration are made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Options(BaseModel):
    """What every section of the configuration keeps to: no unknown key, no change afterwards, no infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true where a number belongs, also in a list of them: pydantic would read 1."""
        field = cls.model_fields[str(info.field_name)]
        values = value if isinstance(value, list | tuple) else [value]
        if field.annotation is not bool and any(isinstance(item, bool) for item in values):
            raise ValueError("true and false are no answer here")
        return value

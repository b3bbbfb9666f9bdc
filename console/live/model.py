"""What the API tells, as records; the descriptions of their fields are those of the API's reference."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
Millis = Annotated[int, Field(ge=0, description="UTC, milliseconds since 1970, on the director's clock")]
Validity = Literal["good", "bad", "missed", "peak over range"]


class Record(BaseModel):
    """A record that is not changed once it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def finite(value: float | None) -> float | None:
    """Get a number that JSON can hold; None where nothing was measured."""
    return None if value is None or not math.isfinite(value) else value


class Figures(Record):
    """One reading: of an analyzer, of one of its channels, or of all analyzers together."""

    t_utc_ms: Millis
    power_w: Finite | None = Field(description="active power, watts; null where nothing was measured")
    voltage_v: Finite | None = Field(description="volts rms; of several analyzers the mean of theirs")
    current_a: Finite | None = Field(description="amperes rms; of several analyzers the sum of theirs")
    power_factor: Finite | None = Field(description="power over volts times amperes")
    validity: Validity = Field(description="only good readings count")


class Counts(Record):
    """Samples of the phase that is measured, or was measured last."""

    samples: int = Field(ge=0, description="all, bad and missed ones included")
    bad: int = Field(ge=0, description="no usable reading, or a current peak over the range")
    missed: int = Field(ge=0, description="no reading came")
    above_limit: int = Field(ge=0, description="uncertainty above the limit of 1 %")


class AnalyzerState(Record):
    """One analyzer."""

    number: int = Field(ge=1, description="as in the station file, from 1")
    name: str = Field(description="what the lab calls it")
    feeds: str = Field(description="what hangs on it")
    model: str = Field(description="the model that the instrument tells; empty before a session")
    simulated: bool = Field(description="the instrument says that it is a simulation")
    ranges: Literal["unknown", "automatic", "fixed"] = Field(description="how the measuring ranges are set")
    voltage_range_v: Finite | None = Field(description="full scale, volts rms")
    current_range_a: Finite | None = Field(description="full scale, amperes rms")
    voltage_headroom: Finite | None = Field(description="part of the voltage range that is left, 0.25 is 25 %")
    current_headroom: Finite | None = Field(description="part of the current range that is left, 0.25 is 25 %")
    latest: Figures | None
    channels: list[Figures] = Field(description="each channel of a multichannel analyzer")
    uncertainty: Finite | None = Field(description="of the latest power reading, as a fraction of it")
    uncertainty_model: str = Field(description="`ptd` or `datasheet`; empty where none is known")
    counts: Counts


class Total(Record):
    """All analyzers together."""

    latest: Figures | None
    uncertainty: Finite | None = Field(description="at worst: all meters err to the same side")
    counts: Counts


class Clock(Record):
    """The director's clock minus the client's, as a client of ours measured it."""

    offset_ms: Finite
    uncertainty_ms: Finite = Field(ge=0, description="the true offset lies so near to the estimate")
    t_utc_ms: Millis


class Client(Record):
    """Who measures."""

    peer: str
    name: str = Field(description="under which its key is trusted here; empty without TLS")
    encrypted: bool


class PhaseSpan(Record):
    """When a phase was measured."""

    name: Literal["ranging", "testing"]
    begin_t_utc_ms: Millis
    end_t_utc_ms: Millis | None = Field(description="null while it is being measured")


class SessionNow(Record):
    """The session that is open, or was open last."""

    name: str
    opened_t_utc_ms: Millis
    client: Client | None
    clock: Clock | None
    phase: Literal["", "ranging", "testing"] = Field(description="the phase begun last")
    measuring: bool = Field(description="the phase is being measured")
    phases: list[PhaseSpan] = Field(description="all phases so far; a testing run may be repeated")
    elapsed_s: Finite | None = Field(description="time measured in the phase, seconds")
    expected_s: Finite | None = Field(description="how long the phase should take, seconds; null where unknown")
    expected_from: str = Field(description="where that comes from, in words")
    progress: Finite | None = Field(ge=0, le=1)
    left_s: Finite | None = Field(ge=0, description="expected time left, seconds")
    outcome: Literal["open", "complete", "aborted"]
    reason: str = Field(description="why it was aborted")


class Notice(Record):
    """Something that the operator should look at."""

    id: int
    t_utc_ms: Millis = Field(description="when it came last")
    first_t_utc_ms: Millis
    level: Literal["warning", "error"]
    count: int = Field(ge=1, description="how often it came")
    text: str


class State(Record):
    """All that is known now."""

    schema_version: Literal[1] = Field(1, alias="schema", description="the version of this form")
    instance: str = Field(description="changes when the director is started anew")
    version: str
    t_utc_ms: Millis
    listening: str = Field(description="where clients connect; empty while the director starts")
    interval_ms: int
    limit: Finite = Field(description="largest uncertainty accepted, as a fraction")
    session: SessionNow | None
    analyzers: list[AnalyzerState]
    total: Total
    warnings: list[Notice] = Field(description="the latest 100")
    sessions_version: int = Field(description="changes when the list of sessions does")
    dropped_events: int = Field(ge=0, description="events that the page could not keep up with; none is the rule")


class Series(Record):
    """Power over time, one entry for each column; all lists are equally long."""

    analyzer: int = Field(ge=0, description="0: all analyzers together")
    t_utc_ms: list[Millis]
    low: list[Finite | None] = Field(description="lowest power in the column, watts")
    mean: list[Finite | None]
    high: list[Finite | None]
    bad: list[int] = Field(description="bad and missed samples in the column")


class Samples(Record):
    """Power over time, reduced to as many columns as were asked for."""

    session: str
    from_ms: int
    to_ms: int
    whole: bool = Field(description="every sample has a column of its own")
    series: list[Series]


class PastSession(Record):
    """A session that is kept."""

    id: str
    outcome: Literal["open", "complete", "aborted", "unknown"]
    reason: str
    ended_t_utc_ms: Millis | None
    strict: str = Field(description="our verdict; empty until it is known, and for what was aborted")
    reference: str = Field(description="the verdict of MLCommons' checker")
    round: str
    mean_w: Finite | None
    energy_j: Finite | None
    findings: list[str] = Field(description="required rules that are broken")
    whole: bool = Field(description="the client's half is here too")


class Sessions(Record):
    """The sessions kept, the newest first."""

    sessions: list[PastSession]
    total: int = Field(ge=0, description="how many there are; the newest 100 are listed")


class Problem(Record):
    """Why a request was not answered."""

    error: str
    hint: str = ""

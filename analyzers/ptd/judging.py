"""By which model and terms the daemon judges the readings of the instrument that it found."""

from analyzers.driver import Instrument
from analyzers.ptd.identity import daemon_version
from evidence.ptd_protocol import model_of
from metrology.errors import ConfigError
from metrology.judgement import DATASHEET, PTD, Judgement, judgement_of, parse_terms, with_terms


def judgement(instrument: Instrument, model: str | None = None, own_terms: str | None = None) -> Judgement:
    """Choose how the readings of an instrument are judged.

    Args:
        instrument: the one found; one whose data sheet is not known is judged by what its driver declares.
        model: "ptd" or "datasheet"; None for PTDaemon's terms where they are known, else the data sheet's.
        own_terms: the lab's, as `--accuracy` gives them; with them None means "datasheet".

    Raises:
        ConfigError: PTDaemon's terms are not known for it, or own terms are no terms.
    """
    wished = model or (DATASHEET if own_terms else None)
    found = judgement_of(wished, instrument.name, daemon_version(), model_of(instrument.idn))
    if found is None and wished == PTD:
        raise ConfigError(
            f"by which formula PTDaemon judges a {instrument.name} is not known",
            "leave --model out, or say datasheet",
        )
    found = found or Judgement(DATASHEET, instrument.accuracy, source="its driver")
    found = with_terms(found, parse_terms(own_terms) if own_terms else {})
    return found._replace(crest_factor=instrument.crest_factor)

"""Rules that hold the sessions of a submission against each other."""

from compliance.findings import Ask, Findings, MissingFactError
from compliance.submission import Entry, Tree
from evidence.layout import SERVER_JSON, TESTING_SPL
from scoring.inference import STREAMS, scenario_of

_MOST_NAMED = 5
_UNKNOWN_SERIALS = {"", "0"}
"""What a WT210 says, which does not know its own."""


def same_analyzer(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the analyzer of a result is the one that most results of its system were measured with."""
    entry.whole()
    ours = _analyzers(entry)
    if not ours:
        raise MissingFactError(f"a reply to 'Identify' in {SERVER_JSON}")
    all_used = [found for other in tree.of_system(entry) if (found := _analyzers(other))]
    usual = max(sorted(set(all_used)), key=all_used.count)
    if ours != usual:
        yield ask.fail(
            f"this result was measured with {_named(ours)}, {all_used.count(usual)} of {len(all_used)} results of "
            f"the system with {_named(usual)}",
            file=SERVER_JSON,
            got=_named(ours),
            expected=_named(usual),
        )


def _analyzers(entry: Entry) -> tuple[str, ...]:
    """Get maker, model and serial number of each analyzer; the number is left out where it does not know it."""
    found = []
    for identity in entry.traits.analyzers:
        maker, model, serial = [*identity.idn.split(";"), "", "", ""][:3]
        found.append(" ".join([maker, model, *([] if serial in _UNKNOWN_SERIALS else [serial])]))
    return tuple(sorted(found))


def _named(analyzers: tuple[str, ...]) -> str:
    return " and ".join(f"'{name}'" for name in analyzers)


def copied_session(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that a session stands for other results only where the rules let it."""
    entry.whole()
    foreign, count = tree.copies(entry, _MOST_NAMED)
    for other, what in foreign:
        yield ask.fail(
            f"the {what} of this result also stands in {other.place}",
            file=TESTING_SPL,
            got=f"session '{other.traits.session_name}'",
            expected="a session of its own",
        )
    if count > _MOST_NAMED:
        yield ask.fail(f"and in {count - _MOST_NAMED} further places", file=TESTING_SPL, got=count, expected=0)


def scenario_of_folder(entry: Entry, _tree: Tree, ask: Ask) -> Findings:
    """Check that a result stands in the folder of the scenario that LoadGen ran, or of one that it implies."""
    place, ran = entry.placed(), entry.traits.scenario
    if not ran:
        raise MissingFactError("effective_scenario in LoadGen's log")
    name = scenario_of(place.scenario)
    if name is None:
        ask.not_applicable("the folder names no scenario; see SUB003")
    if name not in implied_by(ran):
        yield ask.fail(
            f"the result stands in '{place.scenario}', LoadGen ran {ran}",
            file="run_1/mlperf_log_detail.txt",
            got=place.scenario,
            expected=" or ".join(implied_by(ran)),
        )


def implied_by(ran: str) -> tuple[str, ...]:
    """Get the scenarios that a run may stand for, its own first."""
    inferred = {"SingleStream": ("MultiStream", "Offline"), "MultiStream": ("Offline",), "Server": ("Interactive",)}
    return ran, *inferred.get(ran, ())


def base_run(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that an inferred result has the very session of the run it is inferred from."""
    place, ran = entry.whole(), entry.traits.scenario
    name = scenario_of(place.scenario)
    if name is None or ran not in STREAMS or name == ran:
        ask.not_applicable("the result is not inferred from another")
    same_benchmark = [
        other
        for other in tree.of_submission(entry)
        if other.placed().parts[:2] == place.parts[:2] and scenario_of(other.placed().scenario) == ran
    ]
    if not same_benchmark:
        yield ask.fail(f"the result is inferred from {ran}, which the submission does not have", expected=ran)
    elif all(other.traits.samples_sha1 != entry.traits.samples_sha1 for other in same_benchmark):
        yield ask.fail(
            f"the result is inferred from {ran}, but holds another session than {same_benchmark[0].place}",
            file=SERVER_JSON,
            got=entry.traits.session_name,
            expected=same_benchmark[0].traits.session_name,
        )

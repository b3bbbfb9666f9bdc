"""Rules about the programs that measured, the power analyzer, and the daemon that reads it."""

import re
from collections.abc import Iterable, Iterator, Mapping

from compliance.checks.common import MOST_ANALYZERS, SIDES
from compliance.facts import SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.ptd_protocol import Identity, parse_identity
from evidence.session_json import PtdConfig

MULTICHANNEL_WT330 = 77
"""PTDaemon's number of the WT330 with several channels, which needs the first channel and how many."""
_OWN = ("director/", "sut_client/")
_DIVISIONS = ("closed", "open", "network")


def identities(facts: SessionFacts) -> list[Identity]:
    """Get what each analyzer and its daemon say of themselves.

    Raises:
        MissingFactError: server.json holds no reply to `Identify`.
    """
    replies = facts.record("server").ptd_replies("Identify")[:MOST_ANALYZERS]
    found = [parse_identity(reply) for _, reply in replies]
    if not found:
        raise MissingFactError(f"{facts.server.file.name} holds no reply to 'Identify'")
    return found


def released_sources(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that client and director list the sources of a released version of the round."""
    rules = ask.round.sources
    for side in SIDES:
        record = facts.record(side)
        sources = record.sources or {}
        server = sources.get("lib/server.py", "")
        if sources in rules.sets or (server and server.startswith(rules.server_prefixes)):
            continue
        if not rules.complete and not any(name.startswith(_OWN) for name in sources) and server:
            raise MissingFactError(
                f"all released sets of sources of {ask.round.name}, of which some are not known here"
            )
        yield ask.fail(
            f"the sources of the {side} are of no released version: {_nearest(sources, rules.sets)}",
            file=record.file.name,
            got=server[:8] or "lib/server.py is not listed",
            expected=", ".join(rules.names),
        )


def _nearest(sources: dict[str, str], sets: Iterable[Mapping[str, str]]) -> str:
    """Tell what keeps sources from being the most similar released set."""
    if any(name.startswith(_OWN) for name in sources):
        return "they are wattrig's own"
    ways = [[n for n in sorted({*sources, *known}) if sources.get(n) != known.get(n)] for known in sets]
    fewest = min(ways, key=len, default=[])
    return (
        f"{len(fewest)} files differ from the nearest one, the first is '{fewest[0]}'" if fewest else "none is known"
    )


def accepted_daemon(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that PTDaemon has a version that the round accepts, and that its log is of the same program."""
    accepted = ask.round.ptdaemon.versions
    for identity in identities(facts):
        if identity.version.split("-")[0] not in accepted:
            own = ", wattrig's own daemon" if identity.is_wattrig else ""
            yield ask.fail(
                f"PTDaemon has the version '{identity.version[:60]}'{own}",
                file=facts.server.file.name,
                got=identity.version,
                expected=", ".join(accepted),
            )
        elif len(facts.server.ptd_configs) < 2:
            yield from _same_program(facts, identity.version, ask)


def _same_program(facts: SessionFacts, version: str, ask: Ask) -> Findings:
    log = facts.ptd_log()
    checksum = log.checksum()
    # The second part of a version is the CRC-32 of the program, which it calculates and prints when it starts.
    for what, got, expected in (
        ("says version", log.version(), version),
        ("calculated the CRC", checksum[0] if checksum else "", version.split("-")[1] if "-" in version else ""),
    ):
        if got != expected:
            yield ask.fail(
                f"'{log.file.name}' {what} '{got}', the reply to Identify '{expected}'",
                file=log.file.name,
                got=got,
                expected=expected,
            )


def known_build(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the build of PTDaemon is one that published sessions show."""
    builds = ask.round.ptdaemon.builds
    for identity in identities(facts):
        if identity.version not in builds:
            yield ask.fail(
                f"the build '{identity.version[:60]}' of PTDaemon is in no published session",
                file=facts.server.file.name,
                got=identity.version,
                expected=", ".join(builds),
            )


def accepted_instrument(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that each analyzer is on the round's list, is what PTDaemon was started for, and is no simulation."""
    configs: list[PtdConfig | None] = [*facts.record("server").ptd_configs]
    found = identities(facts)
    configs += [None] * (len(found) - len(configs))
    for identity, config in zip(found, configs, strict=False):
        for message, got, expected in _unaccepted(identity, config, ask):
            yield ask.fail(message, file=facts.server.file.name, got=got, expected=expected)


def _unaccepted(identity: Identity, config: PtdConfig | None, ask: Ask) -> Iterator[tuple[str, str, str]]:
    """Tell what is wrong with one analyzer: (message, got, expected)."""
    models = ask.round.ptdaemon.models
    if identity.is_simulated or identity.driver.endswith("Dummy"):
        yield f"the analyzer is simulated: it says of itself '{identity.idn}'", identity.idn, "a real instrument"
    if identity.driver not in models:
        yield f"the analyzer '{identity.driver[:60]}' is not accepted", identity.driver, ", ".join(models)
        return
    pattern = dict(entry.split(" ", 1) for entry in ask.texts("models")).get(
        identity.driver.removesuffix("_DC"), ".*"
    )
    if not re.fullmatch(pattern, identity.model):
        yield f"'{identity.driver}' reads a '{identity.model[:60]}'", identity.model, pattern
    if config is None:
        yield f"there is no configuration for '{identity.driver}'", "", identity.driver
    else:
        yield from _otherwise_started(config, models[identity.driver], identity.driver)


def _otherwise_started(config: PtdConfig, number: int, driver: str) -> Iterator[tuple[str, str, str]]:
    """Tell where PTDaemon was started for something else than the analyzer that answered."""
    if config.device_type != number:
        got = str(config.device_type)
        yield f"PTDaemon was started for device {got}, but '{driver}' answered", got, str(number)
    if len(config.command) > 1 and config.command[-2] != str(number):
        got = config.command[-2]
        yield f"PTDaemon's command names device '{got[:60]}', but '{driver}' answered", got, str(number)
    if number == MULTICHANNEL_WT330 and len(config.channels) != 2:
        got = str(list(config.channels))
        yield f"PTDaemon was started with the channels {got}", got, "two numbers: the first one and how many"


def at_the_wall(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no analyzer measures DC, which is never at the wall; the open division may."""
    parts = facts.folder.root.parts
    division = next((part for part, later in zip(parts, parts[2:], strict=False)
                     if part in _DIVISIONS and later == "results"), "")  # fmt: skip
    direct = [identity for identity in identities(facts) if identity.driver.endswith("_DC")]
    if not direct or division == "open":
        ask.not_applicable("that nothing but the wall feeds the system, only a person can attest")
    for identity in direct:
        yield ask.fail(
            f"'{identity.driver}' measures DC",
            file=facts.server.file.name,
            got=identity.driver,
            expected="AC at the wall",
        )


def calibrated(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that a date of calibration is shown."""
    for _, reply in facts.record("server").ptd_replies("Identify")[:MOST_ANALYZERS]:
        if "no_cal_date" in reply.split(","):
            yield ask.fail(
                "the reply to Identify shows no date of calibration",
                file=facts.server.file.name,
                got="no_cal_date",
                expected="a date less than a year before the session",
            )


def one_analyzer(facts: SessionFacts, ask: Ask) -> Findings:
    """Note where several analyzers measured."""
    count = len(identities(facts))
    if count > 1:
        yield ask.fail(
            f"{count} analyzers measured; the director adds up their samples line by line",
            file=facts.server.file.name,
            got=count,
            expected=1,
            unit="analyzers",
        )


def debug_off(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the director did not run in debug mode, which shortens its pauses."""
    record = facts.record("server")
    if record.debug is not False:
        yield ask.fail(
            "the director ran in debug mode", file=record.file.name, got=str(record.debug)[:60], expected="false"
        )

"""One session of a submission: judged, read, and held against the place it is meant for."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from compliance.batch import Options, check_one
from compliance.checks.tree_sessions import implied_by
from compliance.facts import PHASES, SessionFacts, gather
from compliance.findings import Outcome
from compliance.package_conf import ends_the_checker, faults_of
from compliance.package_refusal import Refusal
from compliance.package_spec import ResultEntry, Spec, nearest
from compliance.result import Result
from compliance.tree import Found
from evidence.session import find_session
from evidence.system_facts import SYSTEM_JSON, Fact, read_facts
from metrology.errors import ConfigError
from rules.documents import RoundRules

SAME_MACHINE = (
    "cpu.model", "cpu.sockets", "cpu.cores", "firmware.sys_vendor", "firmware.product_name", "firmware.bios_version",
    "os.name", "os.kernel",
)  # fmt: skip
"""Facts that must be the same in all sessions of a system."""
_VERSION = re.compile(r"\d+\.\d+")


class Session(NamedTuple):
    """A session that is to be a result.

    Attributes:
        entry: what submission.toml says of it.
        root: its folder.
        facts: what its files say.
        result: what the checkers say.
        machine: its system.json; empty where it has none.
    """

    entry: ResultEntry
    root: Path
    facts: SessionFacts
    result: Result
    machine: Mapping[str, Fact]

    @property
    def ran(self) -> str:
        """The scenario that LoadGen ran; empty where its log does not say."""
        return self.facts.loadgen_logs["testing"].detail.text("effective_scenario") or ""

    @property
    def uuids(self) -> tuple[str, str]:
        """What tells it from other sessions."""
        return self.facts.client.client_uuid, self.facts.server.server_uuid

    @property
    def analyzers(self) -> tuple[str, ...]:
        """What each analyzer answered about itself."""
        replies = (reply for sent, reply in self.facts.server.ptd_messages if sent == "Identify")
        return tuple(reply.rsplit(",", 1)[-1] for reply in replies)


def read_session(spec: Spec, entry: ResultEntry, rules: RoundRules) -> Session:
    """Read and judge a session by the rules of a round.

    Raises:
        ConfigError: there is none.
        EvidenceError: its system.json cannot be read.
    """
    folder = find_session(spec.at(entry.session))
    if folder is None:
        raise ConfigError(
            f"'{entry.session}' holds no session", "give the folder that holds power/, ranging/ and run_1/"
        )
    checked = check_one(Found(entry.session.as_posix(), folder.root, folder.root), Options(rules.name))
    own = folder.root / SYSTEM_JSON
    machine = read_facts(own) if own.is_file() else {}
    return Session(entry, folder.root, gather(folder), checked.result, machine)


def speaks_against(session: Session, spec: Spec, rules: RoundRules) -> Iterator[Refusal]:
    """Get all that speaks against a session by itself."""
    yield from _strict_verdict(session)
    yield from _scenario(session, spec, rules)
    yield from _loadgen(session, rules)
    yield from _user_conf(session, spec, rules)
    yield from _strays(session)


def _strict_verdict(session: Session) -> Iterator[Refusal]:
    ours = session.entry.session
    for found in session.result.findings:
        if found.level != "required" or found.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
            continue
        where = f"{ours}/{found.file}" if found.file else str(ours)
        yield Refusal(found.code, where, found.message, found.hint or f"see `wattrig rule {found.code}`")


def _scenario(session: Session, spec: Spec, rules: RoundRules) -> Iterator[Refusal]:
    entry, names = session.entry, rules.layout.scenarios
    for name in (entry.scenario, *entry.infer):
        if name not in names:
            yield Refusal(
                "PKG002", str(entry.session), f"round {rules.name} has no scenario '{name}'", nearest(name, names)
            )
    may_be = implied_by(session.ran)
    for name in (entry.scenario, *entry.infer):
        if name in names and name not in may_be:
            said = f"'{name}' cannot come from a run of {session.ran or 'an unknown scenario'}"
            yield Refusal("PKG002", str(entry.session), said, f"it may stand for {' or '.join(may_be)}")
    inferred = [name for name in (entry.scenario, *entry.infer) if name not in (session.ran, "Interactive")]
    if inferred and "edge" not in spec.system[entry.system].category:
        said = f"'{inferred[0]}' is inferred from {session.ran}, which only systems of the category edge may"
        yield Refusal("PKG002", str(entry.session), said, f"measure {inferred[0]} itself")


def _loadgen(session: Session, rules: RoundRules) -> Iterator[Refusal]:
    for phase in PHASES:
        log = session.facts.loadgen_logs[phase]
        where = f"{session.entry.session}/{log.detail_file.name}"
        hint = "measure with the mlcommons-loadgen of the round: its version fixes the seeds"
        version = _VERSION.match(log.detail.text("loadgen_version") or "")
        releases = rules.loadgen.releases
        if releases and (version is None or version[0] not in releases):
            said = (
                f"LoadGen is {log.detail.text('loadgen_version')}, round {rules.name} expects {' or '.join(releases)}"
            )
            yield Refusal("PKG010", where, said, hint)
        if log.detail.seeds() != rules.loadgen.seeds:
            said = f"LoadGen's seeds are those of {log.detail.round_name() or 'no round'}, expected {rules.name}'s"
            yield Refusal("PKG010", where, said, hint)


def _user_conf(session: Session, spec: Spec, rules: RoundRules) -> Iterator[Refusal]:
    path = session.entry.user_conf
    try:
        text = spec.at(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        yield Refusal("PKG014", str(path), f"'{path}' cannot be read: {problem}", "give the user.conf of the run")
        return
    log = session.facts.loadgen_logs["testing"].detail
    faults = [*faults_of(text, spec.submission.division, log)]
    if rules.layout.plain_conf and spec.submission.division != "open":
        faults += ends_the_checker(text)
    for fault in faults:
        yield Refusal("PKG008", f"{path}:{fault.line}", fault.message, fault.hint)


def _strays(session: Session) -> Iterator[Refusal]:
    hint = "remove it and measure again: LoadGen obeys an audit.config of its working folder"
    for phase in PHASES:
        log = session.facts.loadgen_logs[phase]
        if log.detail.audit_line is not None:
            where = f"{session.entry.session}/{log.detail_file.name}:{log.detail.audit_line}"
            yield Refusal("PKG011", where, "an audit.config overrode the settings of this run", hint)
    for path in sorted(session.root.rglob("audit.config")):
        where = f"{session.entry.session}/{path.relative_to(session.root).as_posix()}"
        yield Refusal("PKG011", where, "an audit.config lies in the session", hint)


def mixed(sessions: list[Session]) -> Iterator[Refusal]:
    """Get what tells that sessions of one system come from different machines, or analyzers."""
    first: dict[tuple[str, str], tuple[str, Session]] = {}
    for session in sessions:
        for name, value in _marks(session):
            known, other = first.setdefault((session.entry.system, name), (value, session))
            if known != value:
                said = f"{name} is {value!r}, in '{other.entry.session}' of the same system {known!r}"
                hint = "give it a system of its own, or measure it again with the same set-up"
                yield Refusal("PKG003", str(session.entry.session), said, hint)


def _marks(session: Session) -> Iterator[tuple[str, str]]:
    yield from (
        (name, str(fact.value)) for name in SAME_MACHINE if (fact := session.machine.get(name)) and fact.value
    )
    if session.analyzers:
        yield "the analyzer", " and ".join(session.analyzers)


def shared(sessions: list[Session]) -> Iterator[Refusal]:
    """Get sessions that stand for two results without being inferred."""
    seen: dict[tuple[str, str], Session] = {}
    for session in sessions:
        other = seen.setdefault(session.uuids, session)
        if other is not session and all(session.uuids):
            said = f"the session also stands for [[result]] '{other.entry.session}' {other.entry.scenario}"
            hint = "give it one [[result]] with `infer` and `also`"
            yield Refusal("PKG016", str(session.entry.session), said, hint)

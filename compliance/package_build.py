"""A submission planned whole: every file of the tree with its source, and all that speaks against it.

<division>/<submitter>/
    results/<system>/<benchmark>/<scenario>/performance/{power,ranging,run_1}   byte for byte, required files alone
    results/<system>/<benchmark>/<scenario>/accuracy
    systems/<system>.json, <system>_power.yaml
    documentation/, model_mapping.json, and the folders that the round's [layout] names
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from compliance.package_accuracy import add_accuracy
from compliance.package_closed import add_compliance, speaks_against_benchmarks
from compliance.package_plan import Plan, round_of
from compliance.package_samples import speaks_against_samples
from compliance.package_session import Session, mixed, read_session, shared, speaks_against
from compliance.package_spec import Spec
from compliance.package_system import (
    description,
    design_power_w,
    json_bytes,
    missing_fields,
    nameplate,
    not_counted,
    unknown_fields,
)
from compliance.package_texts import analyzer_table, power_settings, result_readme, unanswered
from evidence.layout import REQUIRED_FILES
from evidence.system_facts import Fact, read_facts
from rules.rulebook import system_fields

MANIFEST = "documentation/wattrig_package.json"


def plan_submission(spec: Spec) -> Plan:
    """Plan a submission; what speaks against it is in the plan's refusals.

    Raises:
        ConfigError: there is no such round, or no session where submission.toml says.
        EvidenceError: a description of a machine cannot be read.
    """
    plan = Plan(spec, round_of(spec))
    sessions = [read_session(spec, entry, plan.rules) for entry in spec.result]
    for session in sessions:
        plan.refusals += [
            *speaks_against(session, spec, plan.rules),
            *speaks_against_samples(session, spec, plan.rules),
        ]
        _add_result(plan, session)
    plan.refusals += [*mixed(sessions), *shared(sessions), *speaks_against_benchmarks(spec, plan.rules)]
    for name in spec.system:
        _add_system(plan, name, [session for session in sessions if session.entry.system == name])
    _add_documents(plan)
    return plan


def _add_result(plan: Plan, session: Session) -> None:
    entry = session.entry
    for benchmark in (entry.benchmark, *entry.also):
        for scenario in (entry.scenario, *entry.infer):
            place = PurePosixPath(entry.system, benchmark, scenario)
            _claim(plan, place, session)
            for name in REQUIRED_FILES:
                plan.copy(PurePosixPath("results", place, "performance", name), entry.session / _below(session, name))
            add_accuracy(plan, entry, PurePosixPath("results") / place, session.ran)
            _add_measurements(plan, session, place)
            add_compliance(plan, entry, place)


def _below(session: Session, name: str) -> str:
    """Get a file's path below the folder of submission.toml, which may hold the session in `performance/`."""
    return (
        f"performance/{name}"
        if session.root.name == "performance" and session.entry.session.name != "performance"
        else name
    )


def _claim(plan: Plan, place: PurePosixPath, session: Session) -> None:
    key, entry = str(place), session.entry
    if key in plan.sessions:
        said = f"'{plan.sessions[key]}' and '{entry.session.as_posix()}' are both to be {key}"
        plan.refuse("PKG001", entry.session, said, "leave one of them out")
    plan.sessions[key] = entry.session.as_posix()
    if place.name not in (session.ran, "Interactive") or place.parent.name != entry.benchmark:
        plan.inferred[key] = f"{session.ran} of {entry.benchmark}"


def _add_measurements(plan: Plan, session: Session, place: PurePosixPath) -> None:
    layout, entry = plan.rules.layout, session.entry
    benchmark = plan.spec.benchmark[place.parent.name]
    folder = PurePosixPath(layout.measurements) / place
    name = layout.implementation.format(system=entry.system, scenario=place.name)
    _check_implementation(plan, place.parent.name, benchmark.implementation)
    plan.make(folder / name, json_bytes(benchmark.implementation))
    plan.copy(folder / "user.conf", entry.user_conf)
    if "mlperf.conf" in layout.measurement_files:
        if entry.mlperf_conf is None:
            said = f"round {plan.rules.name} wants an mlperf.conf"
            plan.refuse("PKG014", entry.session, said, "name it as mlperf_conf of the [[result]]")
        else:
            plan.copy(folder / "mlperf.conf", entry.mlperf_conf)
    _add_readme(plan, folder, place)
    system = plan.spec.system[entry.system]
    plan.make(folder / "analyzer_table.md", analyzer_table(session.facts, system.wiring).encode())
    _add_settings(plan, folder, session)


def _add_readme(plan: Plan, folder: PurePosixPath, place: PurePosixPath) -> None:
    source = plan.spec.benchmark[place.parent.name].readme
    if not plan.copy(folder / "README.md", source):
        return
    base = plan.inferred.get(str(place))
    if base:
        text = plan.spec.at(source).read_text("utf-8", "replace")
        plan.files.pop(folder / "README.md")
        made = result_readme(text, [f"It is inferred: its run is that of {base}."])
        plan.make(folder / "README.md", made.encode(), f"{source.as_posix()}, with a note")


def _check_implementation(plan: Plan, name: str, values: Mapping[str, str]) -> None:
    missing = [field for field in system_fields()["implementation"] if not values.get(field)]
    if missing:
        where = f"[benchmark.{name}.implementation]"
        plan.refuse("PKG009", where, f"lacks {', '.join(missing)}", "say each in a few words, as 'fp32' or 'no'")


def _add_settings(plan: Plan, folder: PurePosixPath, session: Session) -> None:
    source = plan.spec.system[session.entry.system].power_settings
    try:
        text = plan.spec.at(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        plan.refuse(
            "PKG014", source, f"'{source}' cannot be read: {problem}", "`wattrig package init` writes one to fill in"
        )
        return
    for heading in unanswered(text):
        plan.refuse("PKG006", source, f"'{heading}' has no answer", "replace TODO; auditors ask this")
    if not text.strip():
        plan.refuse("PKG006", source, "the text is empty", "`wattrig package init` writes one with the questions")
    made = power_settings(text, session.machine).encode()
    plan.make(folder / "power_settings.md", made, f"{source.as_posix()}, with what the machine said")


def _add_system(plan: Plan, name: str, sessions: Sequence[Session]) -> None:
    spec, system = plan.spec, plan.spec.system[name]
    if not sessions:
        plan.refuse("PKG014", f"[system.{name}]", "no [[result]] is of this system", "remove it, or add its results")
    machine: Mapping[str, Fact] = sessions[0].machine if sessions else {}
    facts = read_facts(spec.at(system.facts)) if system.facts else machine
    values = description(spec.submission, system, facts)
    folder, where = PurePosixPath("systems"), f"[system.{name}.fields]"
    kinds = [("PKG004", "meaningful"), ("PKG005", "power")]
    kinds += [("PKG004", "network")] if spec.submission.division == "network" else []
    for code, kind in kinds:
        for field in missing_fields(values, kind):
            plan.refuse(
                code, where, f"'{field}' is not known", "state it there, or run `wattrig system describe` as root"
            )
    for field in not_counted(values):
        said = f"'{field}' is {values[field]!r}, expected a whole number"
        plan.refuse("PKG004", where, said, "write a number, 0 for none: the submission checker counts with it")
    for field in unknown_fields(values, network=spec.submission.division == "network"):
        plan.refuse("PKG004", where, f"the submission checker knows no field '{field}'", "remove it")
    plan.make(folder / f"{name}.json", json_bytes(values))
    _add_nameplate(plan, name, folder)


def _add_nameplate(plan: Plan, name: str, folder: PurePosixPath) -> None:
    system = plan.spec.system[name]
    sum_w = design_power_w(system.power_supplies)
    if system.power_supplies and system.design_power_w not in (None, sum_w):
        said = f"design_power_w is {system.design_power_w:g} W, the supplies needed deliver {sum_w:g} W"
        plan.refuse("PKG012", f"[system.{name}]", said, "correct one of them")
    if system.power_supplies and plan.rules.layout.nameplate:
        title = str(system.fields.get("system_name", name))
        plan.make(folder / f"{name}_power.yaml", nameplate(title, system.power_supplies))


def _add_documents(plan: Plan) -> None:
    submission, layout = plan.spec.submission, plan.rules.layout
    for name, benchmark in plan.spec.benchmark.items():
        plan.copy_tree(PurePosixPath(layout.code, name), benchmark.code)
    if submission.calibration:
        _add_calibration(plan, submission.calibration)
    elif submission.division != "open":
        said = f"the {submission.division} division wants a text about calibration"
        plan.refuse("PKG014", "[submission]", said, "name it as `calibration`")
    for path in submission.documents:
        plan.copy(PurePosixPath("documentation", path.name), path)
    if submission.model_mapping and submission.division != "open":
        said = "only the open division maps names of models"
        plan.refuse("PKG014", "[submission]", said, "remove model_mapping")
    elif submission.model_mapping:
        plan.make(
            PurePosixPath("model_mapping.json"), (json.dumps(submission.model_mapping, indent=2) + "\n").encode()
        )


def _add_calibration(plan: Plan, source: Path) -> None:
    if source.suffix != ".md" and plan.spec.submission.division != "open":
        said = f"'{source}' is no Markdown; the submission checker looks for documentation/calibration.md alone"
        plan.refuse("PKG014", source, said, "write it as .md")
    plan.copy(PurePosixPath("documentation", f"calibration{source.suffix}"), source)

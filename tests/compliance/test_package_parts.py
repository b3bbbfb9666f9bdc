import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.checks.tree_files import _component_powers_w
from compliance.package_archive import pack
from compliance.package_conf import ends_the_checker, faults_of, parse_conf
from compliance.package_refusal import Refusal, sort_out
from compliance.package_spec import PowerSupplies, Submission, System, load_spec
from compliance.package_system import (
    description,
    design_power_w,
    missing_fields,
    nameplate,
    not_counted,
    unknown_fields,
)
from compliance.package_texts import QUESTIONS, power_settings, settings_template, unanswered
from evidence.loadgen_log import DetailLog
from evidence.system_facts import Fact
from metrology.errors import ConfigError

SPEC = """
[submission]
round = "v6.1"
division = "open"
submitter = "Lab"
[system.box]
category = "edge"
availability = "available"
power_settings = "power_settings.md"
[benchmark.resnet]
code = "code"
readme = "README.md"
implementation = {}
[[result]]
system = "box"
benchmark = "resnet"
scenario = "Offline"
session = "s"
accuracy = "a"
user_conf = "user.conf"
"""
SUBMISSION = Submission(round="v6.1", division="open", submitter="Lab")


def system(**more: object) -> System:
    return System.model_validate({"category": "edge", "availability": "available", "power_settings": "p", **more})


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ('round = "v6.1"', 'runde = "v6.1"', ["unknown key 'submission.runde'", "did you mean 'round'?"]),
        ("[benchmark.resnet]", "[benchmark.resnett]", ["benchmark 'resnet'", "did you mean 'resnett'?"]),
        ('system = "box"', 'system = "bix"', ["number 1 is of the system 'bix'", "did you mean 'box'?"]),
        ('session = "s"', "", ["'result.1.session' is missing"]),
        ('session = "s"', 'sesion = "s"', ["sesion"]),
        ('"edge"', '"egde"', ["'system.box.category'", "got 'egde'"]),
        ('"Lab"', '"My Lab"', ["'submission.submitter'", "no space", "got 'My Lab'"]),
        ("[submission]", "[submission", ["is no TOML"]),
        ("[[result]]", "[[results]]", ["results", "did you mean 'result'?"]),
        ("[system.box]", "[system.box]\npower_supplies = [{ needed = 1, capacities_w = [nan] }]", ["capacities_w"]),
        ("[system.box]", "[system.box]\npower_supplies = [{ needed = 1, capacities_w = [-1] }]", ["capacities_w"]),
    ],
)
def test_a_spec_that_is_wrong_says_where_and_what_was_meant(
    tmp_path: Path, old: str, new: str, texts: list[str]
) -> None:
    path = tmp_path / "submission.toml"
    path.write_text(SPEC.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_spec(path)
    assert all(text in str(caught.value) for text in texts), str(caught.value)


def test_paths_of_a_spec_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "submission.toml").write_text(SPEC)
    spec = load_spec(tmp_path / "submission.toml")
    assert spec.at(spec.result[0].session) == tmp_path / "s"


def log(**values: object) -> DetailLog:
    return DetailLog(Path("x"), values={"effective_scenario": "Offline", **values})


@pytest.mark.parametrize(
    ("text", "division", "message"),
    [
        ("*.Offline.target_qsp = 1", "open", "LoadGen does not know 'target_qsp'"),
        ("*.Ofline.target_qps = 1", "open", "'Ofline' is no scenario"),
        ("target_qps 1", "open", "which is no setting"),
        ("*.*.qsl_rng_seed = 1", "closed", "LoadGen passes over 'qsl_rng_seed'"),
        ("*.Server.target_latency = 1", "closed", "the closed division fixes 'target_latency'"),
        ("*.*.mode = 1", "network", "the network division fixes 'mode'"),
        (
            "*.Offline.min_duration = 60000",
            "open",
            "'min_duration' is 60000, the run had effective_min_duration_ms 600000",
        ),
        ("*.Offline.target_qps = many", "open", "expected a number"),
    ],
)
def test_a_user_conf_that_is_wrong_says_so(text: str, division: str, message: str) -> None:
    run = log(effective_min_duration_ms=600_000, effective_target_qps=5.0)
    (fault,) = faults_of(f"# comment\n{text}\n", division, run)
    assert message in fault.message
    assert fault.line == 2
    assert fault.hint


def test_a_user_conf_that_fits_its_run_has_no_fault() -> None:
    text = "llama3.1-8b.Offline.target_qps = 452.8041  # rate\n*.Server.min_duration = 1\n"
    text += "*.SingleStream.target_latency = 10\n*.*.target_latency = 10\n"
    assert not list(faults_of(text, "closed", log(effective_target_qps=452.804)))


def _as_v4_1_reads(text: str) -> int | None:
    """Do to a user.conf what that checker does; get the line that ends it."""
    for number, line in enumerate(io.StringIO(text, newline="\n"), 1):
        content = line.replace(" ", "").removesuffix("\n")
        if content and not content.startswith("#"):
            try:
                name, _ = content.split("=")
                _, _, _ = name.split(".")
            except ValueError:
                return number
    return None


@given(st.text(alphabet="*a.= #1\n\t", max_size=60))
@example("llama3.1-8b.Offline.target_qps = 1")
@example("*.Offline.target_qps = 1 # was target_qps = 2")
@example("# a comment = \n\n*.*.min_duration = 600000 # 600 s\n")
def test_what_ends_the_checker_of_v4_1_is_told(text: str) -> None:
    first = next((fault.line for fault in ends_the_checker(text)), None)
    assert first == _as_v4_1_reads(text)


@given(st.text(max_size=200))
def test_no_user_conf_breaks_the_reader(text: str) -> None:
    settings, faults = parse_conf(text)
    assert len(settings) + len(faults) <= len(text.splitlines())


def test_the_description_takes_what_was_read_and_what_is_stated() -> None:
    facts = {
        "cpu.model": Fact("Read CPU", "x"), "cpu.sockets": Fact(2, "x"), "cpu.cores": Fact(64, "x"),
        "memory.modules": Fact([{"size_mib": 32768, "part": "R"}] * 4, "x"), "gpus": Fact(None, "none"),
        "power_supplies": Fact([{"manufacturer": "M", "model": "P", "capacity_w": 800, "present": True}] * 2, "x"),
    }  # fmt: skip
    values = description(SUBMISSION, system(fields={"cooling": "air", "accelerators_per_node": 0}), facts)
    assert values["host_processor_core_count"] == "32"
    assert values["host_memory_capacity"] == "128 GiB"
    assert values["host_memory_configuration"] == "4x 32 GiB R"
    assert values["power_supply_quantity_and_rating_watts"] == "2x 800 W"
    assert (values["cooling"], values["accelerators_per_node"]) == ("air", "0")
    assert "framework" in missing_fields(values, "meaningful")
    assert "accelerator_model_name" not in values
    assert unknown_fields({**values, "fan": 1}, network=False) == ["fan"]


def test_the_description_is_texts_alone_as_the_submission_checker_reads_them() -> None:
    fields = {"number_of_nodes": 2, "accelerators_per_node": "N/A", "system_power_only": False, "is_network": False}
    values = description(SUBMISSION, system(fields=fields), {"cpu.sockets": Fact(2, "x")})
    assert all(type(value) is str for value in values.values())
    assert (values["number_of_nodes"], values["system_power_only"]) == ("2", "false")
    assert "is_network" not in values
    assert not_counted(values) == ["accelerators_per_node"]
    network = SUBMISSION.model_copy(update={"division": "network"})
    assert description(network, system(), {})["is_network"] == "true"


def test_the_nameplate_counts_the_largest_supplies_that_are_needed() -> None:
    supplies = [
        PowerSupplies(needed=1, capacities_w=(500, 800)),
        PowerSupplies(component="switch", needed=2, capacities_w=(90, 90)),
    ]
    assert design_power_w(supplies) == 980
    assert sum(_component_powers_w(nameplate("My System", supplies).decode())) == 980


def test_power_settings_ask_and_take_what_the_machine_said() -> None:
    assert unanswered(settings_template()) == [title for title, _ in QUESTIONS]
    text = power_settings("# Mine\n", {"cpu.governors": Fact(["performance"], "x")})
    assert "CPU governor performance" in text
    assert "gpus: unknown" in text


def test_only_what_may_pass_does() -> None:
    refusals = [Refusal(code, "w", "m", "h") for code in ("PWR003", "PKG001", "FIL005", "PKG005", "PWR003")]
    refused, passed = sort_out(refusals, {"PWR003": "why", "PKG001": "why", "FIL005": "why"})
    assert [each.code for each in refused] == ["PKG001", "FIL005", "PKG005"]
    assert [(each.code, each.because) for each in passed] == [("PWR003", "why")]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_has_the_same_bytes_each_time(tmp_path: Path, name: str) -> None:
    digests = set()
    for turn in ("one", "two"):
        tree = tmp_path / turn / "tree"
        for file in ("b", "a/c") if turn == "one" else ("a/c", "b"):
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            (tree / file).write_text(file)
        (tree / "b").chmod(0o600 if turn == "one" else 0o644)
        pack(tree, tmp_path / turn / name)
        digests.add(hashlib.sha256((tmp_path / turn / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.zip, \.tar, \.tar\.gz"):
        pack(tmp_path, tmp_path / "a.rar")

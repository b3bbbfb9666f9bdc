import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance.batch import Options, check_all
from compliance.result import Result
from compliance.submission import entry_of
from compliance.tree import find_results
from compliance.tree_judge import judge_tree

CODES = re.compile(r"SUB...|PWR0(06|11|13|14|22|23|29)")
SYSTEM = {"submitter": "lab", "division": "closed", "system_name": "Box"}
TABLE = "| Vendor | Model | Firmware |\n| Yokogawa | WT-310E | F1.02 |\n"


class Submission:
    """A submission with one power result that every rule here passes; tests change it."""

    def __init__(self, root: Path, new_package: Callable[[], Any]) -> None:
        self.root = root
        self._new = new_package
        self.write("closed/lab/systems/box.json", json.dumps(SYSTEM | dict.fromkeys(fields(), "x")))
        self.write("closed/lab/measurements/box/analyzer_table.md", TABLE)
        self.write("closed/lab/measurements/power_settings.md", "Fans at full speed.")
        self.result("box/resnet50/SingleStream")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def result(
        self, place: str, uuid: str = "", serial: str = "", submission: str = "closed/lab", round_name: str = "v5.1"
    ) -> Any:
        """Write a result; one with a `uuid` is another session, measured with other samples."""
        package = self._new()
        if uuid:
            for side in (package.client, package.server):
                side["uuid"] = {"client": uuid, "server": uuid}
            package.replace("run_1/spl.txt", "Watts,200.000000", f"Watts,{200 + len(uuid)}.{uuid[0] * 6}")
        if serial:
            identify = package.server["ptd_messages"][1]
            identify["reply"] = identify["reply"].replace("C3TA11005E", serial)
        package.write(self.root / submission / "results" / place / "performance")
        return package

    def check(self, path: str = "", round_name: str = "auto", **ignored: str) -> list[Result]:
        options = Options(round_name, ignored)
        found = find_results(self.root / path, "T").found
        checked = [each for _, each in sorted(check_all(found, options, 1))]
        return list(
            judge_tree(
                [(entry_of(each.found, each.result.round, each.traits), each.result) for each in checked], ignored
            )
        )

    def told(self, path: str = "", round_name: str = "auto") -> set[str]:
        """What is not passed by the rules of submissions: `<end of the path>: <code> <outcome>`."""
        return {
            f"{'/'.join(result.path.split('/')[-4:-1])}: {found.code} {found.outcome}"
            for result in self.check(path, round_name)
            for found in result.shown()
            if CODES.fullmatch(found.code)
        }


def fields() -> list[str]:
    from rules.rulebook import all_rules

    value = all_rules()["PWR011"].params["fields"].value
    assert isinstance(value, list)
    return value


@pytest.fixture
def lab(tmp_path: Path, package: Any) -> Submission:
    return Submission(tmp_path, lambda: copy.deepcopy(package))


ONE = "box/resnet50/SingleStream"


def test_a_good_submission_and_what_a_part_of_it_cannot_tell(lab: Submission) -> None:
    accuracy = f"{ONE}: PWR022 not_evaluated"
    assert lab.told() == {accuracy}
    (single,) = lab.check(f"closed/lab/results/{ONE}/performance")
    untold = {f.code: f.level for f in single.shown() if f.outcome == "not_evaluated" and CODES.fullmatch(f.code)}
    assert set(untold) == {"PWR006", "PWR011", "PWR013", "PWR014", "PWR022", "PWR023", "SUB001", "SUB002", "SUB005",
                           "SUB006"}  # fmt: skip
    assert set(untold.values()) == {"recommended"}


def test_sessions_outside_submissions_are_left_alone(tmp_path: Path, package: Any) -> None:
    package.write(tmp_path / "out" / "2025-07-25_15-13-09")
    options = Options()
    ((_, checked),) = check_all(find_results(tmp_path, "T").found, options, 1)
    entry = entry_of(checked.found, checked.result.round, checked.traits)
    (result,) = judge_tree([(entry, checked.result)], {})
    outcomes = {found.outcome for found in result.findings if CODES.fullmatch(found.code)}
    assert outcomes == {"not_applicable"}


def test_both_targets_and_inferred_scenarios_may_share_a_session(lab: Submission) -> None:
    for place in ("box/bert-99/SingleStream", "box/bert-99.9/SingleStream", "box/bert-99/Offline",
                  "box/bert-99/multistream"):  # fmt: skip
        lab.result(place, uuid="123")
    assert {told for told in lab.told() if "PWR022" not in told} == set()


@pytest.mark.parametrize(
    ("place", "submission"),
    [("box2/resnet50/SingleStream", "closed/lab"), ("box/retinanet/SingleStream", "closed/lab"),
     ("box/resnet50/SingleStream", "closed/rival")],
)  # fmt: skip
def test_a_copied_session_is_told_on_both_sides(lab: Submission, place: str, submission: str) -> None:
    lab.result(place, submission=submission)
    told = {each for each in lab.told() if "SUB002" in each}
    assert told == {f"{ONE}: SUB002 fail", f"{place}: SUB002 fail"}
    assert {result.strict_verdict for result in lab.check()} == {"invalid"}


def test_copied_samples_under_another_identity_are_told(lab: Submission) -> None:
    package = lab._new()
    package.client["uuid"] = package.server["uuid"] = {"client": "x", "server": "y"}
    package.write(lab.root / "closed/lab/results/box2/resnet50/SingleStream/performance")
    messages = [found.message for result in lab.check() for found in result.shown() if found.code == "SUB002"]
    assert len(messages) == 2
    assert messages[0].startswith("the power samples of this result also stand")


def test_many_copies_are_folded(lab: Submission) -> None:
    for number in range(8):
        lab.result(f"box{number}/resnet50/SingleStream")
    found = [each.message for each in lab.check()[0].shown() if each.code == "SUB002"]
    assert len(found) == 6
    assert found[-1] == "and in 3 further places"


def test_results_of_other_rounds_are_no_copies(lab: Submission) -> None:
    package = lab._new()
    package.write(lab.root / "older/closed/lab/results/box/resnet50/SingleStream/performance")
    assert not {told for told in lab.told() if "SUB002" in told}


def test_one_analyzer_for_a_system(lab: Submission) -> None:
    lab.result("box/bert-99/SingleStream", uuid="1")
    lab.result("box/retinanet/SingleStream", uuid="22", serial="C9XX")
    lab.result("other/retinanet/SingleStream", uuid="333", serial="C9XX")
    assert {told for told in lab.told() if "SUB001" in told} == {"box/retinanet/SingleStream: SUB001 fail"}


@pytest.mark.parametrize(
    ("place", "code"),
    [("box/bert-99/Server", "SUB004"), ("box/bert-99/offlin", "SUB003"), ("box/bert-99/Interactive", "SUB004"),
     ("nowhere/bert-99/SingleStream", "SUB005")],
)  # fmt: skip
def test_a_result_in_a_wrong_folder(lab: Submission, place: str, code: str) -> None:
    lab.result(place, uuid="1")
    assert f"{place}: {code} fail" in lab.told()


def test_an_inferred_result_needs_its_base_run(lab: Submission) -> None:
    lab.result("box/bert-99/Offline", uuid="1")
    assert "box/bert-99/Offline: PWR023 fail" in lab.told()
    lab.result("box/bert-99/SingleStream", uuid="22")
    assert "box/bert-99/Offline: PWR023 fail" in lab.told()
    lab.result("box/bert-99/SingleStream", uuid="1")
    assert "box/bert-99/Offline: PWR023 fail" not in lab.told()


def test_power_may_be_lost(lab: Submission) -> None:
    (lab.root / "closed/lab/results/box/bert-99/SingleStream/performance/ranging").mkdir(parents=True)
    assert "box/bert-99/SingleStream: SUB005 fail" in lab.told()


def test_accuracy_is_missed_only_where_others_have_it(lab: Submission) -> None:
    lab.result("box/bert-99/SingleStream", uuid="1")
    lab.write("closed/lab/results/box/bert-99/SingleStream/accuracy/accuracy.txt", "accuracy=90%")
    assert f"{ONE}: PWR022 fail" in lab.told()
    assert "box/bert-99/SingleStream: PWR022 fail" not in lab.told()


@pytest.mark.parametrize("name", ["README.md", "user.conf", "box_SingleStream.json", "accuracy/accuracy.txt"])
def test_what_other_results_have_beside_them_is_missed(lab: Submission, name: str) -> None:
    other = "box/bert-99/SingleStream"
    lab.result(other, uuid="1")
    folder = "results" if name.startswith("accuracy/") else "measurements"
    lab.write(f"closed/lab/{folder}/{other}/{name}", "x")
    (missed,) = [each for result in lab.check() for each in result.shown() if each.code == "SUB006"]
    assert missed.file == f"{folder}/{ONE}/{name}"
    assert f"{other}: SUB006 fail" not in lab.told()
    lab.write(f"closed/lab/{folder}/{ONE}/{name}", "x")
    assert not [each for each in lab.told() if "SUB006" in each]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("measurements/box/analyzer_table.md", "| WT210 | 1.02 |", "PWR013 fail"),
        ("measurements/box/resnet50/SingleStream/analyzer_table.csv", "WT310E,1.31", "PWR013 fail"),
        ("measurements/box/power_settings.adoc", " \n", "PWR014 fail"),
        ("measurements/box/resnet50/power_settings.md",
         "No special setting for power management is done.\nOut-of-the-box OS settings are used.\n", "PWR014 fail"),
        ("systems/box.json", json.dumps(SYSTEM), "PWR011 fail"),
        ("systems/box.json", "[1]", "PWR011 not_evaluated"),
        ("systems/box.json", "{", "PWR006 not_evaluated"),
        ("systems/box.json", json.dumps(SYSTEM | {"submitter": "Rival"}), "PWR006 fail"),
    ],
)  # fmt: skip
def test_what_stands_beside_a_result(lab: Submission, name: str, text: str, code: str) -> None:
    lab.write(f"closed/lab/{name}", text)
    assert f"{ONE}: {code}" in lab.told()


def test_absent_descriptions(lab: Submission) -> None:
    (lab.root / "closed/lab/measurements/box/analyzer_table.md").unlink()
    (lab.root / "closed/lab/measurements/power_settings.md").unlink()
    assert {f"{ONE}: PWR013 fail", f"{ONE}: PWR014 fail"} <= lab.told()
    (lab.root / "closed/lab/measurements/box").rmdir()
    assert {f"{ONE}: PWR013 not_evaluated", f"{ONE}: PWR014 not_evaluated"} <= lab.told()


def test_a_description_that_leads_out_of_the_tree_is_not_read(lab: Submission, tmp_path: Path) -> None:
    secret = tmp_path.parent / f"{tmp_path.name}-secret.json"
    secret.write_text(json.dumps(SYSTEM | {"submitter": "secret"}))
    (lab.root / "closed/lab/systems/box.json").unlink()
    (lab.root / "closed/lab/systems/box.json").symlink_to(secret)
    assert f"{ONE}: PWR006 not_evaluated" in lab.told()


SUPPLIES = """My System:
- Rack:
  - Server:
    - Min PSUs Needed: 1
      PSUs:
      - Name: PSU 1
        PowerCapacityWatts: {0}
      - Name: PSU 2
        PowerCapacityWatts: {0}
  - Switch:
    - Description: 'x'
      Min PSUs needed: 2
      PSUs:
      - PowerCapacityWatts: 50
      - PowerCapacityWatts: 50
      - PowerCapacityWatts: 10
"""


@pytest.mark.parametrize(
    ("capacity", "supplies", "outcome"),
    [
        (None, None, "not_applicable"), ("250 W", None, "pass"), (201.5, None, "fail"),
        ("much", None, "not_evaluated"), (None, SUPPLIES.format(102), "pass"),
        (None, SUPPLIES.format(101.9), "fail"), (None, "- x: [", "not_evaluated"),
    ],
)  # fmt: skip
def test_design_power(lab: Submission, capacity: object, supplies: str | None, outcome: str) -> None:
    if capacity is not None:
        lab.write("closed/lab/systems/box.json", json.dumps(SYSTEM | {"system_power_capacity": capacity}))
    if supplies is not None:
        lab.write("closed/lab/systems/box_power.yaml", supplies)
    (result,) = lab.check(round_name="v6.1")
    assert [found.outcome for found in result.findings if found.code == "PWR029"] == [outcome]


def test_a_rule_of_submissions_can_be_ignored(lab: Submission) -> None:
    lab.result("box2/resnet50/SingleStream")
    found = [each for each in lab.check(SUB002="agreed")[0].shown() if each.code == "SUB002"]
    assert [each.ignored for each in found] == ["agreed"]

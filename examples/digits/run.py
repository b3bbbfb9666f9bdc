"""The whole example: train, calibrate, measure twice with power, run the accuracy, package, check."""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCENARIOS = ("Offline", "SingleStream")
LONGER, SHORTER = 1.4, 0.5
"""Announced rate above, and latency below what was calibrated, so that LoadGen prepares more than it needs."""
NOT_FOR_REAL = {
    "PWR001": "wattrig's own sources, not the reference's",
    "PWR002": "wattrig's own daemon, not SPEC's PTDaemon",
    "PWR003": "a simulated analyzer, as this is an example",
}
LOADGEN = {"v6.1": "6.0.17", "v5.1": "5.1.2"}
"""The release of mlcommons-loadgen with the seeds of a round."""
SHORTENED = "a shortened run, as this is an example"
SHORTENED_CODES = ("PWR019", "PWR020")
SUPPLY = '{ component = "simulated", description = "shows 40 W to 100 W", needed = 1, capacities_w = [150] }'
"""What the simulated analyzer measures has no supply; this one stands for it."""
UNKNOWN_HERE = "the example runs on any machine, and knows nothing of its supplies and firmware"


def wattrig(*arguments: str | Path, may_fail: bool = False) -> int:
    """Run a command of wattrig's; get its exit status."""
    print("$ wattrig", shlex.join(map(str, arguments)), flush=True)
    return subprocess.run([sys.executable, "-m", "console.main", *arguments], check=not may_fail).returncode


def use_loadgen(round_name: str, out: Path) -> None:
    """Let every test run with the LoadGen of the round: its release fixes the seeds.

    Where another one is installed, the round's is fetched into a folder of the example, which comes first for the
    processes started from here; what is installed stays as it is.
    """
    release, folder = LOADGEN[round_name], out / "loadgen"
    if metadata.version("mlcommons-loadgen") == release:
        return
    words = ["pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    print(f"$ {shlex.join(words)} mlcommons-loadgen=={release}", flush=True)
    if subprocess.run([sys.executable, "-m", *words, f"mlcommons-loadgen=={release}"], check=False).returncode:
        raise SystemExit(f"mlcommons-loadgen {release} cannot be fetched; install it, and run the example again")
    rest = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([rest] if rest else [])])


def test_command(model: Path, scenario: str, user_conf: Path, logs: Path) -> list[str]:
    """Get the command of one LoadGen test."""
    words = [sys.executable, HERE / "model.py", "--model", model, "--scenario", scenario]
    return [str(word) for word in [*words, "--user-conf", user_conf, "--logs", logs]]


def write_user_conf(model: Path, path: Path, seconds: int) -> None:
    """Measure how fast the model is here, and write the settings that follow."""
    from model import Digits

    from sut_client.loadgen import UserConf

    digits, taken_s = Digits(model), []
    digits.load([0])
    for _ in range(2000):
        begin_s = time.perf_counter()
        digits.infer([0])
        taken_s.append(time.perf_counter() - begin_s)
    sample_s, length_ms = statistics.median(taken_s), seconds * 1000
    offline = UserConf(target_qps=round(LONGER / sample_s, 1), min_duration_ms=length_ms)
    stream = UserConf(target_latency_ms=round(SHORTER * sample_s * 1000, 6), min_duration_ms=length_ms)
    path.write_text(offline.lines("Offline") + stream.lines("SingleStream"))


def measure(out: Path, model: Path, user_conf: Path) -> dict[str, Path]:
    """Measure each scenario with power, on a simulated analyzer; get the session folders."""
    port, station = out / "wt310e", out / "station.toml"
    station.write_text(
        f"[director]\nstore = {json.dumps(str(out / 'store'))}\n\n"
        f"[[analyzer]]\ndevice_type = 49\ndevice_port = {json.dumps(str(port))}\nnetwork_port = 0\n"
    )
    simulator = [sys.executable, "-m", "console.main", "simulate", "wt310e", "--pty", port]
    sessions = {}
    with subprocess.Popen(simulator, stdout=subprocess.PIPE, text=True) as analyzer:
        try:
            if not analyzer.stdout or not analyzer.stdout.readline():
                raise SystemExit("the simulated analyzer did not start")
            for scenario in SCENARIOS:
                logs, sessions_of = out / "logs" / scenario, out / "sessions" / scenario
                command = shlex.join(test_command(model, scenario, user_conf, logs))
                wattrig("measure", "-c", station, "-w", command, "-L", logs, "-o", sessions_of)
                (sessions[scenario],) = sessions_of.iterdir()
        finally:
            analyzer.terminate()
    return sessions


def run_accuracy(out: Path, model: Path, user_conf: Path) -> None:
    """Run the accuracy of each scenario, each in a process of its own."""
    from accuracy import write_accuracy

    from sut_client.loadgen import run_apart

    for scenario in SCENARIOS:
        logs = out / "accuracy" / scenario
        run_apart([*test_command(model, scenario, user_conf, logs), "--mode", "AccuracyOnly"], timeout_s=600)
        print(f"accuracy of {scenario}: {write_accuracy(logs):.3f} %", flush=True)


def write_spec(out: Path, round_name: str, sessions: dict[str, Path]) -> None:
    """Write the submission.toml."""
    fields = {
        "system_name": "example machine", "number_of_nodes": 1, "host_memory_configuration": "not told",
        "host_networking": "Ethernet", "host_networking_topology": "N/A", "accelerators_per_node": "0",
        "accelerator_model_name": "N/A", "accelerator_memory_capacity": "N/A",
        "accelerator_host_interconnect": "N/A", "accelerator_memory_configuration": "N/A",
        "accelerator_interconnect": "N/A", "cooling": "not told", "framework": "ONNX Runtime",
        "other_software_stack": f"Python {sys.version.split()[0]}", "host_storage_type": "not told",
        "system_power_only": False,
    }  # fmt: skip
    implementation = {
        "input_data_types": "fp32", "retraining": "yes, from scratch",
        "starting_weights_filename": "none: trained by digits.py", "weight_data_types": "fp32",
        "weight_transformations": "no",
    }  # fmt: skip
    lines = [
        "[submission]", f'round = "{round_name}"', 'division = "open"', 'submitter = "WattrigExample"',
        'model_mapping = { digits = "resnet" }', "", "[system.example]", 'category = "edge"',
        'availability = "available"', 'power_settings = "power_settings.md"', 'wiring = "1P2W"',
        f"power_supplies = [{SUPPLY}]", "",
        "[system.example.fields]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items()), "",
        "[benchmark.digits]", 'code = "code"', 'readme = "code/README.md"', "",
        "[benchmark.digits.implementation]",
        *(f"{name} = {json.dumps(text)}" for name, text in implementation.items()),
    ]  # fmt: skip
    for scenario, session in sessions.items():
        infer = ["MultiStream"] if scenario == "SingleStream" else []
        lines += [
            "", "[[result]]", 'system = "example"', 'benchmark = "digits"', f'scenario = "{scenario}"',
            f'session = "{session.relative_to(out).as_posix()}"', f'accuracy = "accuracy/{scenario}"',
            'user_conf = "user.conf"', f"infer = {json.dumps(infer)}",
        ]  # fmt: skip
    (out / "submission.toml").write_text("\n".join(lines) + "\n")


def package(out: Path, seconds: int) -> None:
    """Build the package, letting pass what an example cannot help, and check it."""
    reasons = dict(NOT_FOR_REAL, PKG005=UNKNOWN_HERE)
    if seconds < 600:
        reasons |= dict.fromkeys(SHORTENED_CODES, SHORTENED)
    allowed = [word for code, why in reasons.items() for word in ("--allow", code, "--because", why)]
    tree = out / "tree"
    wattrig(
        "package",
        "build",
        "--spec",
        out / "submission.toml",
        "--out",
        tree,
        "--archive",
        out / "tree.tar.gz",
        *allowed,
    )
    wattrig("package", "check", tree)
    wattrig("results", tree)


def main() -> None:
    """Read the command line and run it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="least length of a phase, default %(default)s")
    parser.add_argument("--round", choices=LOADGEN, default="v6.1", help="the round, default %(default)s")
    parser.add_argument("--out", type=Path, default=Path("digits-out"), help="a new folder, default %(default)s")
    given = parser.parse_args()
    out = given.out.resolve()
    out.mkdir(parents=True)
    # Leaves the rig a core of its own; the tests inherit it.
    os.environ["OMP_NUM_THREADS"] = "1"
    use_loadgen(given.round, out)
    from digits import train, write_onnx

    write_onnx(train(), out / "digits.onnx")
    write_user_conf(out / "digits.onnx", out / "user.conf", given.seconds)
    sessions = measure(out, out / "digits.onnx", out / "user.conf")
    run_accuracy(out, out / "digits.onnx", out / "user.conf")
    shutil.copytree(HERE, out / "code", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "power_settings.md", out)
    write_spec(out, given.round, sessions)
    package(out, given.seconds)


if __name__ == "__main__":
    main()

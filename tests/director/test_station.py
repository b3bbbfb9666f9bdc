from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.analyzer_config import AnalyzerConfig, find_program
from director.server import require_closed
from director.station import Station, load_station, split_address
from metrology.errors import ConfigError

MINIMAL = '[director]\nstore = "s"\n[[analyzer]]\ndevice_type = 49\ndevice_port = "/dev/ttyUSB0"\n'
TWO = MINIMAL + MINIMAL[MINIMAL.index("[[") :]
MODERN = """
# a comment
[server]
ntpServer: ntp.example.com
listen: 192.168.1.2 4951
rangingMode: MAX
[ptd]
ptd: D:\\PTD\\ptd-windows-x86.exe
analyzerCount: 1
[analyzer1]
interfaceFlag: -y
deviceType: 77
devicePort: C2PH13047V
networkPort: 8889
channel: 1,2
surprise: yes
"""
FLAT = """
[server]
NTPSERVER: ntp.example.com
[ptd]
ptd: /usr/bin/ptd
deviceType: 8
interfaceFlag: -g
devicePort: 20
gpibBoard: 1
dcFlag:
"""
FIRST = """
[server]
ntpServer: ntp.example.com
outDir: out
ptdCommand: D:\\PTD\\ptd.exe -l logs.txt -p 8888 -y -c 1,3 77 10.0.0.1
ptdLogfile: logs.txt
ptdPort: 8888
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Station]:
    def write(text: str) -> Station:
        path = tmp_path / "station.toml"
        path.write_text(text)
        return load_station(path, notes.append)

    notes: list[str] = []
    write.notes = notes  # type: ignore[attr-defined]
    return write


def test_a_minimal_file_is_closed_and_keeps_sessions_beside_it(
    load: Callable[[str], Station], tmp_path: Path
) -> None:
    station = load(MINIMAL)
    assert station.director.address == ("127.0.0.1", 4950)
    assert station.director.store == tmp_path / "s"
    assert station.analyzer[0].network_port == 8888
    require_closed(station, "station.toml")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (MINIMAL + "devicetype = 1\n", ["'devicetype' in [[analyzer]] number 1", "did you mean 'device_type'?"]),
        ('[director]\nlissten = ""\n' + MINIMAL[11:], ["'lissten' in [director]", "did you mean 'listen'?"]),
        (MINIMAL + "[directr]\n", ["unknown key 'directr' in the file", "did you mean 'director'?"]),
        (MINIMAL + "zzz = 1\n", ["unknown key 'zzz'", "known keys: ptd, device_type"]),
        (MINIMAL.replace("device_type = 49", ""), ["[[analyzer]] number 1 lacks the key 'device_type'"]),
        (MINIMAL[:22], ["[analyzer] lacks altogether"]),
        (MINIMAL.replace("49", '"x"'), ["'device_type' in [[analyzer]] number 1", "got 'x'"]),
        (MINIMAL.replace("[[", 'listen = "nowhere"\n[['), ["'listen' in [director]", "got 'nowhere'"]),
        (MINIMAL.replace("[[", 'listen = "1.2.3.4:99999"\n[['), ["expected an address and a port"]),
        ((MINIMAL + "network_port = 9\n") + TWO[len(MINIMAL) :] + "network_port = 9", ["two analyzers", "port 9"]),
        (MINIMAL + TWO[len(MINIMAL) :] * 99, ["[analyzer]", "at most 99"]),
        (MINIMAL + "x = = 1", ["is no TOML"]),
        (
            MINIMAL.replace("49", "77"),
            ["device type 77 (multichannel) needs 2 channel number(s) from 1 up, got none"],
        ),
        (MINIMAL.replace("49", "48") + "channel = [1, 2]", ["needs 1 channel number(s)", "got [1, 2]"]),
        (MINIMAL + "channel = [1, 2]", ["device type 49 (one-channel) needs no or 1 channel number(s)"]),
        (MINIMAL + "channel = [0]", ["from 1 up"]),
        (MINIMAL.replace("49", "61") + "channel = [3]", ["needs 2 channel number(s)", "got [3]", "as in [1, 3]"]),
        (MINIMAL + "accuracy = { colour = 0.1 }", ["accuracy term 'colour'", "expected one of reading"]),
        (MINIMAL + "accuracy = { reading = 3.0 }", ["got reading=3, expected a fraction"]),
        (MINIMAL + 'uncertainty_model = "guess"', ["'uncertainty_model' in [[analyzer]]", "got 'guess'"]),
        (MINIMAL + 'uncertainty_model = "ptd"\naccuracy = { reading = 0.1 }', ["PTDaemon has terms of its own"]),
        (MINIMAL + 'ptd = "/opt/ptd"\nuncertainty_model = "ptd"', ["are for wattrig-ptd"]),
    ],
)
def test_what_is_wrong_is_named(load: Callable[[str], Station], text: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    for part in ["station.toml", *parts]:
        assert part in str(caught.value)


def test_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("absent", "binary"):
        with pytest.raises(ConfigError, match=f"{name}' cannot be read"):
            load_station(tmp_path / name)


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ("", ["-l", "log", "-p", "7", "49", "/dev/ttyUSB0"]),
        ("channel = [2]", ["-l", "log", "-p", "7", "-c", "2", "49", "/dev/ttyUSB0"]),
        (
            'uncertainty_model = "datasheet"\naccuracy = { reading = 0.0015, range = 1e-5 }',
            [
                "-l",
                "log",
                "-p",
                "7",
                "--model",
                "datasheet",
                "--accuracy",
                "reading=0.0015,range=1e-05",
                "49",
                "/dev/ttyUSB0",
            ],
        ),
        (
            'gpib_board = 0\ninterface_flag = "-g"\ndc = true\nbaud = 9600',
            ["-l", "log", "-p", "7", "-b", "0", "-D", "-g", "-B", "9600", "49", "/dev/ttyUSB0"],
        ),
    ],
)
def test_the_daemons_command_line(load: Callable[[str], Station], more: str, command: list[str]) -> None:
    analyzer = load(MINIMAL + more).analyzer[0]
    assert analyzer.command(Path("log"), 7)[1:] == command


@pytest.mark.parametrize(
    ("device_type", "channel", "numbers"),
    [
        (49, None, []),
        (49, (2,), []),
        (48, (3,), [1, 2, 3]),
        (77, (1, 2), [1, 2]),
        (77, (2, 2), [2, 3]),
        (9001, (2,), [1, 2]),
        (9001, (3, 2), [3, 4]),
    ],
)
def test_which_channels_belong_to_the_sut(
    device_type: int, channel: tuple[int, ...] | None, numbers: list[int]
) -> None:
    config = AnalyzerConfig(device_type=device_type, device_port="x", channel=channel)
    assert list(config.channels) == numbers


def test_several_analyzers_have_a_port_each_and_the_operator_is_warned(load: Callable[[str], Station]) -> None:
    station = load(TWO + 'name = "left"\nfeeds = "PSU 2"\n')
    assert [analyzer.network_port for analyzer in station.analyzer] == [8888, 8889]
    assert [(analyzer.name, analyzer.feeds) for analyzer in station.analyzer] == [("", ""), ("left", "PSU 2")]
    (note,) = load.notes  # type: ignore[attr-defined]
    assert note.startswith("WARNING: 2 analyzers measure together; the reference checker rejects")
    assert [analyzer.network_port for analyzer in load(TWO + "network_port = 0").analyzer] == [8888, 0]


def test_too_many_analyzers_are_told_in_one_short_message(load: Callable[[str], Station]) -> None:
    with pytest.raises(ConfigError, match="at most 99") as problem:
        load(MINIMAL + MINIMAL[MINIMAL.index("[[") :] * 127)
    assert len(problem.value.message) < 200


def test_the_references_modern_conf(load: Callable[[str], Station]) -> None:
    station = load(MODERN)
    assert (station.director.listen, station.director.ntp) == ("192.168.1.2:4951", "ntp.example.com")
    assert station.director.ranging_mode == "max"
    (analyzer,) = station.analyzer
    assert analyzer.ptd == "D:\\PTD\\ptd-windows-x86.exe"
    assert (analyzer.device_type, analyzer.device_port, analyzer.network_port) == (77, "C2PH13047V", 8889)
    assert (analyzer.interface_flag, analyzer.channel, analyzer.dc) == ("-y", (1, 2), False)
    assert load.notes == ["ignoring the unknown option 'surprise' in [analyzer1]"]  # type: ignore[attr-defined]


def test_the_references_flat_conf(load: Callable[[str], Station]) -> None:
    station = load(FLAT)
    assert station.director.listen == "0.0.0.0:4950"
    (analyzer,) = station.analyzer
    assert (analyzer.device_type, analyzer.interface_flag, analyzer.gpib_board) == (8, "-g", 1)
    assert analyzer.dc is False


def test_the_references_first_conf(load: Callable[[str], Station], tmp_path: Path) -> None:
    station = load(FIRST)
    assert station.director.store == tmp_path / "out"
    (analyzer,) = station.analyzer
    assert analyzer.command(Path("log"), 8888) == [
        "D:\\PTD\\ptd.exe", "-l", "log", "-p", "8888", "-c", "1,3", "-y", "77", "10.0.0.1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server]\nntpServer: x\n[ptd]\n", "without the daemon's program"),
        ("[server]\nntpServer: x\n[ptd]\nptd: p\n", r"lacks the section \[analyzer1\]"),
        (MODERN.replace("1,2", "one"), "read as the reference's server.conf"),
        (FIRST.replace("77 10.0.0.1", "77"), "expected it to end with device type and device port"),
        (FIRST.replace("-y", "-Z"), "option -Z not recognized"),
        (MODERN.replace("192.168.1.2 4951", "here"), "'listen' in"),
    ],
)
def test_what_is_wrong_in_a_conf_is_named(load: Callable[[str], Station], text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(text)


@given(st.text(max_size=200))
def test_any_text_is_a_station_or_an_error(text: str) -> None:
    from director.station import _checked, _parsed

    path = Path("station.toml")
    try:
        _checked(path, _parsed(path, text, lambda _: None))
    except ConfigError as problem:
        assert "station.toml" in problem.message


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:4950", ("::1", 4950)), ("localhost:1", ("localhost", 1))],
)
def test_addresses(listen: str, address: tuple[str, int]) -> None:
    assert split_address(listen) == address


def test_other_machines_need_a_word_of_the_operator(load: Callable[[str], Station]) -> None:
    text = MINIMAL.replace("[[", 'listen = "0.0.0.0:4950"\n{}[[')
    with pytest.raises(ConfigError, match=r"wattrig director -c 'my station.toml' --allow-plaintext"):
        require_closed(load(text.replace("{}", "")), "my station.toml")
    require_closed(load(text.replace("{}", "allow_plaintext = true\n")), "station.toml")


def test_a_program_is_found_beside_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Path(find_program("wattrig-ptd")).name == "wattrig-ptd"
    assert Path(find_program("wattrig-ptd")).exists()
    assert find_program("./ptd") == "./ptd"
    assert find_program("no-such-daemon") == "no-such-daemon"

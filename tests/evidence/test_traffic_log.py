from pathlib import Path

from evidence.traffic_log import TrafficLog


def test_what_a_peer_says_is_one_line_without_control_characters(tmp_path: Path) -> None:
    shown: list[str] = []
    log = TrafficLog("client", shown.append, must_write=True)
    log.warning("\x1b[2J\r\nfoo \x9b31m\x00 µ 'x'")
    (line,) = shown
    assert line.endswith("[WARNING] \\x1b[2J\\r\\nfoo \\x9b31m\\x00 µ 'x'")

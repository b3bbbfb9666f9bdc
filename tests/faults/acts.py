"""What can break in a rig (`bench.fault_lab`), each a function that breaks it."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from bench.fault_lab import FaultLab
from bench.fault_parts import HOST, comes
from bench.fault_rig import GRACE_S

Act = Callable[[FaultLab], None]
TERM, INT, STOP, CONT = signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGCONT


def nothing(_: FaultLab) -> None:
    return


def sends(name: str, *numbers: signal.Signals, pause_s: float = 0.0) -> Act:
    def act(lab: FaultLab) -> None:
        for number in numbers or (signal.SIGKILL,):
            lab.signal(name, number)
            time.sleep(pause_s)

    return act


def pauses(name: str, seconds: float) -> Act:
    return sends(name, signal.SIGSTOP, signal.SIGCONT, pause_s=seconds)


def network(*commands: str, pause_s: float = 0.0) -> Act:
    def act(lab: FaultLab) -> None:
        for number, command in enumerate(commands):
            time.sleep(pause_s if number else 0.0)
            lab.network(command)

    return act


def steps(whose: str, seconds: float) -> Act:
    return lambda lab: lab.step(whose, seconds)


def options(*words: str) -> Act:
    return lambda lab: lab.client_options.extend(words)


def then(*acts: Act) -> Act:
    def act(lab: FaultLab) -> None:
        for each in acts:
            each(lab)

    return act


def makes_room(lab: FaultLab) -> None:
    (lab.store / "filler").unlink(missing_ok=True)


def renews_director(lab: FaultLab) -> None:
    """Make room, and start the director anew, which closes what it could not close without room."""
    makes_room(lab)
    lab.signal("director", signal.SIGTERM)
    lab.director_again()


def takes_port(lab: FaultLab) -> None:
    lab.keep(socket.create_server((HOST, lab.daemon_port)))


def asks_silent_ntp(lab: FaultLab) -> None:
    silent = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    silent.bind((HOST, 0))
    lab.client_options += ["-n", f"{HOST}:{silent.getsockname()[1]}"]


def second_client_comes(lab: FaultLab) -> None:
    assert re.match(r"Error: busy, session \S+ is measuring since", told_at_the_door(lab))


def told_at_the_door(lab: FaultLab) -> str:
    with socket.create_connection((HOST, lab.port), 30) as line:
        line.sendall(b"mlcommons/power client v3\r\n")
        return line.makefile().readline()


def next_client_waits(lab: FaultLab) -> None:
    """The next client hears that the one that measures is gone, and for how long it is waited for."""
    found = re.escape("its client is gone and has ") + r"[1-9] s more to come back"
    assert comes(lambda: re.search(found, told_at_the_door(lab)) is not None, GRACE_S)


def sigterm_twice(lab: FaultLab) -> None:
    """Ask a second time while the first is being obeyed, which takes long: the daemon hangs."""
    lab.signal("daemon", STOP)
    lab.signal("director", TERM)
    assert lab.hears("director", "The session is broken off")
    lab.signal("director", TERM)


def takes_permissions(place: str) -> Act:
    """Let nobody make a file in the session's folders any more; files that are open stay so."""
    return lambda lab: permit(getattr(lab, place), 0o500)


def gives_permissions(place: str) -> Act:
    return lambda lab: permit(getattr(lab, place), 0o700)


def permit(place: Path, mode: int) -> None:
    for folder in (place, *place.rglob("*")):
        if folder.is_dir():
            folder.chmod(mode)


def without_override(who: str) -> Act:
    """Have root's processes obey permissions, too."""

    def act(lab: FaultLab) -> None:
        if os.geteuid() == 0:
            lab.prefixes[who] = ["setpriv", "--bounding-set", "-dac_override"]

    return act


def on_failing_disk(place: str) -> Act:
    return lambda lab: lab.failing_disk(getattr(lab, place))


def disk_fails(lab: FaultLab) -> None:
    lab.disk.fail()


def disk_is_renewed(lab: FaultLab) -> None:
    lab.signal("director", TERM)
    lab.running["director"].wait(60)
    lab.disk.renew()
    lab.director()


def time_is_lost(lab: FaultLab) -> None:
    lab.ntp.close()


def transfer_begins(lab: FaultLab) -> None:
    """Let the session be closed over a slow line, so that its files are under way, whatever is encrypted."""
    lab.network("drip 20")
    lab.open_gate("testing")
    lab.closed()


def while_away(*acts: Act) -> Act:
    """Do something while the line is broken."""
    return then(network("refuse"), *acts, network("accept"))


def comes_with_another_key(lab: FaultLab) -> None:
    """The client comes back with another key, which the director trusts as well: as somebody else."""
    lab.new_key("client")
    lab.keys("director").trust("another", lab.keys("client").own().der)


def is_revoked(lab: FaultLab) -> None:
    lab.keys("director").revoke("client")


def has_another_key(lab: FaultLab) -> None:
    lab.new_key("director")


def not_permitted(who: str, place: str) -> Act:
    def act(lab: FaultLab) -> None:
        getattr(lab, place).mkdir(0o555)
        without_override(who)(lab)

    return act


def on(place: str, mib: int = 300, options: str = "") -> Act:
    return lambda lab: lab.mount(getattr(lab, place), mib, options)


def fills(place: str) -> Act:
    return lambda lab: lab.fill(getattr(lab, place))


def limits(name: str) -> Act:
    return lambda lab: lab.limit_files(name)


def no_daemon(lab: FaultLab) -> None:
    lab.daemon_program = "/nonexistent/ptd"

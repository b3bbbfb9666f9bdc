"""The ports of this machine and the meters on them: what is there, who may open it, who answers."""

import errno
import grp
import os
import pwd
import shlex
import socket
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from analyzers.catalogue import ANY
from analyzers.drivers import KNOWN, driver_for
from analyzers.holder import holders
from analyzers.identify import identify_at
from analyzers.place import Place
from analyzers.preflight import Line, State
from analyzers.scan import Candidate, serial_candidates, usbtmc_candidates
from console.health.machine import running
from director.analyzer_config import AnalyzerConfig
from director.daemon import require_free
from director.station import DirectorConfig, Station
from metrology.errors import ConfigError, WattrigError
from sut_client.linux_facts import Linux

USBTMC_RULE = 'SUBSYSTEM=="usbmisc", KERNEL=="usbtmc*", GROUP="dialout", MODE="0660"'
UDEV = (
    f"echo {shlex.quote(USBTMC_RULE)} | sudo tee /etc/udev/rules.d/70-usbtmc.rules && "
    "sudo udevadm control --reload && sudo udevadm trigger"
)
"""Gives USB-TMC instruments, which belong to root alone, to the group that has the serial ports."""
SCAN = "wattrig analyzers scan --identify"


MODEM_MANAGER = "ModemManager"


def may_open(path: Path) -> bool:
    """Tell whether this process may read and write a device file."""
    return os.access(path, os.R_OK | os.W_OK)


def rights_line(path: Path, *, allowed: bool, user: str, members: Iterable[str], group: str, mode: int) -> Line:
    """Judge the rights to a device file.

    Args:
        path: the file.
        allowed: whether this process may read and write it.
        user: who we are.
        members: who is in the file's group by now.
        group: the file's group.
        mode: its permissions.
    """
    if allowed:
        return Line(str(path), State.OK, "may be read and written")
    if path.name.startswith("usbtmc") and not mode & stat.S_IWGRP:
        return Line(str(path), State.PROBLEM, f"{user} may not open it", UDEV)
    if user in members:
        told = f"{user} is in the group {group}, but was not when this session began"
        return Line(str(path), State.PROBLEM, told, f"newgrp {group}    or log out and in")
    told = f"{user} may not open it and is not in the group {group}"
    return Line(str(path), State.PROBLEM, told, f"sudo usermod -aG {group} {user}    then log out and in")


def device_line(path: Path) -> Line:
    """Judge a device file; errors as `os.stat`."""
    found = path.stat()
    try:
        entry = grp.getgrgid(found.st_gid)
        group, members = entry.gr_name, entry.gr_mem
    except KeyError:
        group, members = str(found.st_gid), []
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return rights_line(
        path, allowed=may_open(path), user=user, members=members, group=group, mode=found.st_mode
    )  # fmt: skip


def port_lines(linux: Linux, found: Iterable[Candidate] | None = None) -> Iterator[Line]:
    """List the serial ports and USB-TMC instruments of this machine with the right to open them; none is opened."""
    candidates = list(found) if found is not None else [*serial_candidates(), *usbtmc_candidates()]
    for each in candidates:
        line = device_line(Path(each.port))
        yield Line(line.name, line.state, f"{each.what}: {line.found}", line.remedy)
    if candidates and MODEM_MANAGER in running(linux):
        told = "it runs, and asks serial ports that are plugged in whether they are modems, a meter's too"
        yield Line(MODEM_MANAGER, State.WARNING, told, f"sudo systemctl disable --now {MODEM_MANAGER}")
    if not candidates:
        told = "no serial port and no USB-TMC instrument; one in the network is not looked for"
        yield Line("ports", State.OK, told)


def unasked_line() -> Line:
    """Say how to learn who is at the ports, where no station file names the meters."""
    told = f"not asked for: no station file is given. Who is there: {SCAN}; a station file: wattrig init"
    return Line("meters", State.OK, told)


def meter_lines(station: Station) -> Iterator[Line]:
    """Ask each analyzer of a station who it is; its settings stay as they are."""
    for number, config in enumerate(station.analyzer, 1):
        yield _meter_line(f"analyzer {number}" + (f", {config.name}" if config.name else ""), config)


def _meter_line(name: str, config: AnalyzerConfig) -> Line:
    place = Place(config.device_port, config.interface_flag.lstrip("-") or None, config.baud, config.gpib_board)
    if users := holders(config.device_port):
        return Line(name, State.WARNING, f"'{place.port}' is in use by {'; '.join(users)}", "end it before measuring")
    path = Path(config.device_port)
    if path.is_absolute() and path.exists() and (rights := device_line(path)).state is not State.OK:
        return Line(name, rights.state, f"'{path}': {rights.found}", rights.remedy)
    family = driver_for(config.device_type, dc=config.dc).family if config.device_type in KNOWN else ANY
    if not family.interfaces:
        return Line(name, State.WARNING, f"{family.title}: there is no instrument to ask", SCAN)
    try:
        identity = identify_at(place, family)
    except WattrigError as problem:
        return Line(name, State.PROBLEM, problem.message, problem.hint or SCAN)
    told = f"{identity.maker} {identity.model}, serial number {identity.serial}, at {place.port}"
    if identity.simulated:
        return Line(name, State.WARNING, f"{told}: simulated, fine for trying out", "connect a real one to submit")
    return Line(name, State.OK, f"{told}; more: wattrig analyzers check -c STATION")


def listening_lines(station: Station) -> Iterator[Line]:
    """See whether the director's address and the daemons' ports can be had."""
    yield listen_line(station.director)
    for number, config in enumerate(station.analyzer, 1):
        if config.network_port:
            try:
                require_free(config.network_port)
            except ConfigError as problem:
                remedy = f"ss -ltnp 'sport = :{config.network_port}'"
                yield Line(f"port of daemon {number}", State.PROBLEM, problem.message, remedy)


def listen_line(config: DirectorConfig) -> Line:
    """See whether a director could listen where it is to."""
    host, port = config.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return _refused(config.listen, port, problem)
    return Line("director's address", State.OK, f"{config.listen} is free")


def _refused(listen: str, port: int, problem: OSError) -> Line:
    name = "director's address"
    if problem.errno == errno.EADDRINUSE:
        told = f"{listen} is taken: does a director run already?"
        return Line(name, State.WARNING, told, f"ss -ltnp 'sport = :{port}'")
    if problem.errno == errno.EADDRNOTAVAIL:
        return Line(name, State.PROBLEM, f"{listen} is no address of this machine", "ip -brief address")
    return Line(name, State.PROBLEM, f"{listen} cannot be had: {problem.strerror}", "set another 'listen'")

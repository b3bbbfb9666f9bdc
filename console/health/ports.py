"""The ports of this machine and the meters on them: what is there, who may open it, who answers."""

import errno
import grp
import os
import pwd
import re
import shlex
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from analyzers.catalogue import ANY
from analyzers.driver import Family
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
from metrology.errors import ConfigError, InstrumentAbsentError, WattrigError
from sut_client.linux_facts import Linux

USBTMC_RULE = 'SUBSYSTEM=="usbmisc", KERNEL=="usbtmc*", GROUP="dialout", MODE="0660"'
UDEV = (
    f"echo {shlex.quote(USBTMC_RULE)} | sudo tee /etc/udev/rules.d/70-usbtmc.rules && "
    "sudo udevadm control --reload && sudo udevadm trigger"
)
"""Gives USB-TMC instruments, which belong to root alone, to the group that has the serial ports."""
SCAN = "wattrig analyzers scan --identify"


UNDESCRIBED = "n/a"
"""What pyserial says of a port of which the system says nothing."""
BAUDS = (9600, 19200, 38400, 57600, 115200)
"""Speeds that the menus of the instruments known offer."""
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
        what = "" if each.what == UNDESCRIBED else f"{each.what}: "
        yield Line(line.name, line.state, f"{what}{line.found}", line.remedy)
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
        told = f"'{place.port}' is in use by {'; '.join(users)}; an analyzer answers one program at a time"
        return Line(name, State.PROBLEM, told, "end that program, or wait for the end of the session it measures")
    path = Path(config.device_port)
    if path.is_absolute() and path.exists() and (rights := device_line(path)).state is not State.OK:
        return Line(name, rights.state, f"'{path}': {rights.found}", rights.remedy)
    if config.is_ours and config.device_type not in KNOWN:
        told = f"wattrig-ptd knows no device type {config.device_type}"
        return Line(name, State.PROBLEM, told, "wattrig analyzers list")
    family = driver_for(config.device_type, dc=config.dc).family if config.device_type in KNOWN else ANY
    if not family.interfaces:
        return Line(name, State.WARNING, f"{family.title}: there is no instrument to ask", SCAN)
    try:
        identity = identify_at(place, family)
    except InstrumentAbsentError as problem:
        return _at_another_speed(name, place, family) or _unanswered(name, problem)
    except WattrigError as problem:
        return _unanswered(name, problem)
    told = f"{identity.maker} {identity.model}, serial number {identity.serial}, at {place.port}"
    if identity.simulated:
        return Line(name, State.WARNING, f"{told}: simulated, fine for trying out", "connect a real one to submit")
    return Line(name, State.OK, f"{told}; more: wattrig analyzers check -c STATION")


def _unanswered(name: str, problem: WattrigError) -> Line:
    return Line(name, State.PROBLEM, problem.message, problem.hint or SCAN)


def _at_another_speed(name: str, place: Place, family: Family) -> Line | None:
    """Find an instrument that is silent because its serial line is set to another speed; None where none answers."""
    path = Path(place.port)
    if place.flag or "serial" not in family.interfaces or not path.is_char_device():
        return None
    for baud in BAUDS:
        with suppress(WattrigError):
            identify_at(replace(place, baud=baud), family)
            told = f"'{place.port}': the instrument answers at {baud} baud, not at {place.baud or family.baud}"
            return Line(name, State.PROBLEM, told, f"set baud = {baud} in its [[analyzer]], or change it in its menu")
    return None


def listening_lines(station: Station, linux: Linux) -> Iterator[Line]:
    """See whether the director's address and the daemons' ports can be had, and whether a firewall may close it."""
    yield listen_line(station.director)
    if not station.director.is_loopback:
        yield from firewall_lines(station.director.address[1], linux)
    for number, config in enumerate(station.analyzer, 1):
        if config.network_port:
            try:
                require_free(config.network_port)
            except ConfigError as problem:
                remedy = f"ss -ltnp 'sport = :{config.network_port}'"
                yield Line(f"port of daemon {number}", State.PROBLEM, problem.message, remedy)


def firewall_lines(port: int, linux: Linux) -> Iterator[Line]:
    """Name a firewall that is on: only root may see whether it lets clients in."""
    if re.search(r"(?m)^ENABLED=yes\b", linux.text("etc/ufw/ufw.conf") or ""):
        yield Line("firewall", State.WARNING, f"ufw is on: does it let port {port} in?", f"sudo ufw allow {port}/tcp")
    if "firewalld" in running(linux):
        remedy = f"sudo firewall-cmd --add-port={port}/tcp    and again with --permanent"
        yield Line("firewall", State.WARNING, f"firewalld is on: does it let port {port} in?", remedy)


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

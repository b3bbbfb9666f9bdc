"""`wattrig keys`: who we are, and whom we trust."""

import datetime
import getpass
import json
import os
import socket
import sys
from pathlib import Path
from typing import TextIO

import click

from console.format_option import format_option
from metrology.errors import ConfigError
from wire.keys import KeyFolder, Party, decode_certificate

LONGEST_PASTE = 1 << 16
EXAMPLE = """
\b
Once on each of the two machines:
  wattrig keys init
  wattrig keys show > director.pem       what the other machine needs; nothing in it is secret
Bring each file to the other machine (mail, USB stick, paste), call each other, and compare:
  wattrig keys trust director director.pem
"""

keys_option = click.option(
    "--keys", "folder", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Folder of keys.  [default: $WATTRIG_KEYS, or wattrig/keys in your configuration]",
)  # fmt: skip


@click.group(epilog=EXAMPLE, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def keys() -> None:
    """Make a key, and say whom this machine trusts.

    Client and director know each other by certificates that two people compared once. The same keys sign the
    statement of a session, which `wattrig verify` checks. There is no password and no authority.
    """


@keys.command()
@click.option("--title", default="", help="Who you are, for people to read.  [default: user@machine]")
@keys_option
def init(title: str, folder: Path | None) -> None:
    """Make a key for this machine, once.

    \b
    Example:
      wattrig keys init --title "bench 7 of the lab"
    """
    from wire.identity import make_identity

    title = title or f"{_user()}@{socket.gethostname()}"
    party = make_identity(KeyFolder(folder), title, datetime.datetime.now(datetime.UTC))
    click.echo(f"made a key in '{KeyFolder(folder).path}'; its fingerprint, to read aloud:\n  {party.fingerprint}")
    click.echo("next: bring the output of 'wattrig keys show' to the other machine, and trust it there")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        return str(os.getuid())


@keys.command()
@keys_option
def show(folder: Path | None) -> None:
    """Print this machine's fingerprint (on stderr) and certificate (on stdout).

    \b
    Example:
      wattrig keys show > director.pem
    """
    party = KeyFolder(folder).own()
    click.echo(f"fingerprint, to read aloud:\n  {party.fingerprint}", err=True)
    click.echo(party.pem, nl=False)


@keys.command()
@click.argument("name")
@click.argument("file", type=click.File(), default="-")
@click.option("--fingerprint", "expected", default="", metavar="FP",
              help="The fingerprint that the other person read; asks where not given.")  # fmt: skip
@keys_option
def trust(name: str, file: TextIO, expected: str, folder: Path | None) -> None:
    """Trust the certificate in FILE, or pasted on standard input, under the name NAME.

    \b
    Examples:
      wattrig keys trust sut7 sut7.pem
      wattrig keys trust sut7 sut7.pem --fingerprint 2QF4-...
    """
    from wire.identity import check_certificate

    try:
        der = decode_certificate(file.read(LONGEST_PASTE))
    except ValueError as problem:
        raise ConfigError(
            f"'{file.name}' holds no certificate: {problem}", "give the output of keys show"
        ) from problem
    check_certificate(der, datetime.datetime.now(datetime.UTC))
    _compare(Party(name, der).fingerprint, expected)
    party = KeyFolder(folder).trust(name, der)
    click.echo(f"trusted from now on: {party.name}  {party.fingerprint}")


def _compare(found: str, expected: str) -> None:
    if expected:
        if expected.upper() != found:
            raise ConfigError(
                f"the certificate's fingerprint is {found}, expected {expected[:80]}",
                "do not trust it; fetch it anew, another way",
            )
        return
    if not has_terminal():
        raise ConfigError(
            f"nobody is here to compare fingerprints; the certificate's is {found}",
            "once the other person read the same: --fingerprint FP",
        )
    click.echo(f"the certificate's fingerprint is\n  {found}")
    click.confirm("Does 'wattrig keys show' on the other machine print the same, read to you aloud?", abort=True)


def has_terminal() -> bool:
    """Tell whether a person can answer."""
    return sys.stdin.isatty()


@keys.command("list")
@keys_option
@format_option
def list_keys(folder: Path | None, form: str) -> None:
    """List this machine's key, those it trusts, and those it has revoked.

    \b
    Example:
      wattrig keys list
    """
    place = KeyFolder(folder)
    rows = [("own", place.own())] if place.has_identity else []
    rows += [("trusted", party) for party in place.peers()] + [("revoked", party) for party in place.revoked()]
    if form == "json":
        told = [{"state": state, "fingerprint": party.fingerprint, "name": party.name} for state, party in rows]
        click.echo(json.dumps(told, indent=2))
        return
    for state, party in rows:
        click.echo(f"{state:<8} {party.fingerprint}  {party.name}")
    if not rows:
        click.echo(f"no keys in '{place.path}'; make one: wattrig keys init")


@keys.command()
@click.argument("name")
@keys_option
def revoke(name: str, folder: Path | None) -> None:
    """Trust NAME no more, from its next connection on; what it signed is refused too.

    \b
    Example:
      wattrig keys revoke sut7
    """
    party = KeyFolder(folder).revoke(name)
    click.echo(f"revoked: {party.name}  {party.fingerprint}")
    click.echo("tell the others who trust it: each machine has its own list")

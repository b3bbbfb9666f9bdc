"""`wattrig package`: from sessions to the tree of a submission."""

import sys
from pathlib import Path

import click

from console.completion_values import rounds
from metrology.errors import ConfigError

SPEC = Path("submission.toml")
FINE, REFUSED = 0, 1
"""Exit codes, beside 2 for a tool that failed: built or as built; refused or changed."""

SPEC_OPTION = click.option("--spec", type=click.Path(path_type=Path), default=SPEC, show_default=True, metavar="FILE")
ALLOW = click.option("--allow", "codes", multiple=True, metavar="CODE", help="let a reason pass; needs --because")
BECAUSE = click.option("--because", multiple=True, metavar="WHY", help="why, for each --allow or once for all")


@click.group()
def package() -> None:
    """Build the tree of a submission from sessions, in the layout of its round, and check it.

    \b
    Examples:
      wattrig package init --round v6.1 --division open --submitter ExampleLab
      wattrig package add out/2026-11-22_10-00-00 --system bench01 --benchmark resnet --accuracy acc/Offline
      wattrig package build --out tree --archive tree.tar.gz
      wattrig package check tree
    """


@package.command()
@click.option("--round", "round_name", default="v6.1", show_default=True, metavar="ROUND", shell_complete=rounds)
@click.option("--division", type=click.Choice(["closed", "open", "network"]), default="open", show_default=True)
@click.option("--submitter", required=True, metavar="NAME", help="name of the submitter's folder")
@SPEC_OPTION
def init(round_name: str, division: str, submitter: str, spec: Path) -> None:
    """Begin a submission.toml, and a power_settings.md with the questions that auditors ask.

    \b
    Example:
      wattrig package init --round v6.1 --submitter ExampleLab
    """
    from compliance.package_texts import settings_template
    from console.package_template import head_text

    settings = spec.with_name("power_settings.md")
    for path, text in ((spec, head_text(round_name, division, submitter)), (settings, settings_template())):
        if path.exists():
            raise ConfigError(f"'{path}' is there already", "remove it, or go on with `wattrig package add`")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        click.echo(f"wrote {path}")


@package.command()
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--system", required=True, metavar="NAME", help="name of the system's folder")
@click.option("--benchmark", required=True, metavar="NAME", help="name of the benchmark's folder")
@click.option("--accuracy", type=click.Path(path_type=Path), default=Path("accuracy"), metavar="FOLDER")
@click.option("--user-conf", type=click.Path(path_type=Path), default=Path("user.conf"), metavar="FILE")
@click.option("--infer", multiple=True, metavar="SCENARIO", help="a scenario to infer from this run")
@SPEC_OPTION
def add(
    session: Path, system: str, benchmark: str, accuracy: Path, user_conf: Path, infer: tuple[str, ...], spec: Path
) -> None:
    """Add a session to a submission.toml; tables that it needs and that are not there are begun.

    \b
    Example:
      wattrig package add out/2026-11-22_10-00-00 --system bench01 --benchmark resnet --accuracy acc/Offline
    """
    from console.package_template import added_text

    try:
        text = spec.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"'{spec}' cannot be read: {problem}", "begin with `wattrig package init`") from problem
    spec.write_text(text + added_text(text, spec, session, system, benchmark, accuracy, user_conf, infer), "utf-8")
    click.echo(f"added '{session}' to {spec}; look for TODO in it")


@package.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("submission"), show_default=True, metavar="FOLDER"
)
@click.option("--archive", type=click.Path(path_type=Path), metavar="FILE", help="also as .zip, .tar or .tar.gz")
@ALLOW
@BECAUSE
@SPEC_OPTION
def build(out: Path, archive: Path | None, codes: tuple[str, ...], because: tuple[str, ...], spec: Path) -> None:
    """Build the tree; nothing is written while anything speaks against it.

    What speaks against it has a code, a file and a remedy. `--allow CODE --because "..."` lets one pass, and is
    recorded in the package for everybody to see; changed measurement files and two results in one place never pass.
    Exit codes: 0 built, 1 refused, 2 the tool failed.

    \b
    Examples:
      wattrig package build --out tree --archive tree.tar.gz
      wattrig package build --out try --allow PWR003 --because "a simulated meter, for learning"
    """
    from compliance.package_archive import pack
    from compliance.package_build import plan_submission
    from compliance.package_refusal import sort_out
    from compliance.package_spec import load_spec
    from compliance.package_tree import write_tree
    from console.package_output import tell_built, tell_refusals

    allowed = _allowed(codes, because)
    plan = plan_submission(load_spec(spec))
    refused, passed = sort_out(plan.refusals, allowed)
    if refused:
        tell_refusals(refused)
        sys.exit(REFUSED)
    write_tree(plan, passed, out)
    if archive:
        pack(out, archive)
    tell_built(plan, passed, out, archive)


@package.command()
@click.argument("tree", type=click.Path(path_type=Path))
def check(tree: Path) -> None:
    """Check a built tree: no file edited, moved, missing or added since; then what `wattrig check` says of it.

    Exit codes: 0 as built and valid but for what was let pass, 1 not, 2 the tool failed.

    \b
    Example:
      wattrig package check submission
    """
    from console.package_output import tell_check

    sys.exit(FINE if tell_check(tree) else REFUSED)


@package.command()
@click.argument("tree", type=click.Path(path_type=Path))
def show(tree: Path) -> None:
    """Show what a built tree holds: results, sessions, what is inferred, and what was let pass.

    \b
    Example:
      wattrig package show submission
    """
    from console.package_output import tell_contents

    tell_contents(tree)


def _allowed(codes: tuple[str, ...], because: tuple[str, ...]) -> dict[str, str]:
    from compliance.package_refusal import FINAL, TITLES
    from rules.rulebook import all_rules

    if codes and (len(because) not in (1, len(codes)) or not all(text.strip() for text in because)):
        raise ConfigError(
            f"got {len(codes)} --allow and {len(because)} --because", "say why, for each or once for all"
        )
    reasons = because * len(codes) if len(because) == 1 else because
    allowed = {code.upper(): text.strip() for code, text in zip(codes, reasons, strict=True)} if codes else {}
    for code in allowed:
        if code not in TITLES and code not in all_rules():
            raise ConfigError(f"there is no code '{code}'", "codes stand in front of what speaks against a package")
        if code in FINAL:
            raise ConfigError(f"{code} cannot be let pass", "mend what it says")
    return allowed

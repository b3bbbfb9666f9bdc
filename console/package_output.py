"""What `wattrig package` tells: what speaks against a package, what it holds, and what changed since it was built."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import click

from compliance.findings import Outcome
from compliance.package_plan import Plan
from compliance.package_refusal import FINAL, Allowed, Refusal
from compliance.package_verify import Package, deviations, find_packages, strays
from compliance.result import Result
from console.plain import plain
from metrology.errors import ConfigError

MOST_TOLD = 5
"""Places that are told of one message."""


def tell_refusals(refused: Sequence[Refusal]) -> None:
    """Tell what speaks against building, the same message once."""
    click.echo(f"nothing was built: {len(refused)} reasons speak against it")
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in refused:
        groups.setdefault((each.code, each.message, each.hint), []).append(each.where)
    for (code, message, hint), places in sorted(groups.items()):
        click.echo(f"\n  {click.style(code, fg='red')} {plain(message)}")
        for place in places[:MOST_TOLD]:
            click.echo(plain(f"         {place}"))
        if len(places) > MOST_TOLD:
            click.echo(f"         and {len(places) - MOST_TOLD} more places")
        click.echo(plain(f"         try: {' '.join(hint.split())}"))
    codes = sorted({each.code for each in refused} - FINAL)
    if codes:
        click.echo(f'\n--allow CODE --because "..." lets these pass, for all to see: {", ".join(codes)}')


def tell_built(plan: Plan, passed: Sequence[Allowed], out: Path, archive: Path | None) -> None:
    """Tell what was built."""
    click.echo(plain(f"built {out}: round {plan.rules.name}, {len(plan.files)} files, {len(plan.sessions)} results"))
    for place in sorted(plan.sessions):
        base = f"  inferred: {plan.inferred[place]}" if place in plan.inferred else ""
        click.echo(plain(f"  {place}  from {plan.sessions[place]}{base}"))
    tell_allowed({each.code: each.because for each in passed}, Counter(each.code for each in passed))
    if archive:
        click.echo(plain(f"packed into {archive}"))


def tell_allowed(allowed: dict[str, str], counts: Counter[str] | None = None) -> None:
    """Tell what was let pass, and why."""
    for code, because in sorted(allowed.items()):
        times = f" ({counts[code]} times)" if counts else ""
        click.echo(f"  let pass: {click.style(code, fg='yellow')}{times}: {plain(because)}")


def _packages(tree: Path) -> list[Package]:
    if not tree.is_dir():
        raise ConfigError(f"'{tree}' is no folder", "give the folder that `wattrig package build` wrote")
    packages = find_packages(tree)
    if not packages:
        raise ConfigError(
            f"'{tree}' holds no package of wattrig's (<division>/<submitter>/documentation/wattrig_package.json)",
            "give the folder that `wattrig package build` wrote; `wattrig check` takes any tree",
        )
    return packages


def _table(value: object) -> dict[str, object]:
    """Get a table of a list that anybody may have written; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def tell_contents(tree: Path) -> None:
    """Tell what a built tree holds."""
    for package in _packages(tree):
        click.echo(
            plain(
                f"{package.root.relative_to(tree)}: round {package.listed.get('round')}, {len(package.files)} files"
            )
        )
        inferred, results = (_table(package.listed.get(key)) for key in ("inferred", "results"))
        for place, session in results.items():
            note = f"  inferred: {inferred[place]}" if place in inferred else ""
            click.echo(plain(f"  {place}  from {session}{note}"))
        tell_allowed(package.allowed)


def tell_check(tree: Path) -> bool:
    """Tell what changed in a built tree and what the checkers say; tell whether all is well."""
    packages = _packages(tree)
    changed = [*chain.from_iterable(map(deviations, packages)), *strays(tree)]
    for each in changed:
        click.echo(f"  {click.style(each.kind, fg='red')} {plain(f'{each.file}: {each.message}')}")
        click.echo(plain(f"         try: {each.hint}"))
    rounds = {str(package.listed.get("round")) for package in packages}
    allowed = {code: because for package in packages for code, because in package.allowed.items()}
    results = _checked(tree, rounds.pop() if len(rounds) == 1 else "auto", allowed)
    broken = [result for result in results if result.strict_verdict != "valid"]
    for result in broken:
        _tell_broken(result)
    click.echo(
        f"{len(changed)} changes since it was built; {len(results) - len(broken)} of {len(results)} results valid"
    )
    tell_allowed(allowed)
    return not changed and not broken


def _checked(tree: Path, round_name: str, allowed: dict[str, str]) -> list[Result]:
    from compliance.batch import Options
    from console.check_output import Output
    from console.check_run import checked, searched
    from rules.rulebook import all_rules

    ignored = {code: because for code, because in allowed.items() if code in all_rules()}
    with ExitStack() as stack:
        return checked(searched(tree, stack), Options(round_name, ignored), 1, Output("html", passes=False))


def _tell_broken(result: Result) -> None:
    click.echo(f"  {click.style(result.strict_verdict, fg='red')} {plain(result.path)}")
    quiet = (Outcome.PASS, Outcome.NOT_APPLICABLE)
    for found in result.findings:
        if found.level == "required" and not found.ignored and found.outcome not in quiet:
            click.echo(plain(f"         {found.code} {found.message}  [{found.file}]"))
            click.echo(plain(f"         try: {' '.join(found.hint.split())}"))

"""Values that the shell completes, each read from the rulebook or the catalogue when it is asked for."""

import click
from click.shell_completion import CompletionItem


def rounds(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a round."""
    from rules.rulebook import all_rounds

    return [CompletionItem(name) for name in ("auto", *all_rounds()) if name.startswith(incomplete)]


def rules(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the code of a rule."""
    from rules.rulebook import all_rules

    found = ((code, rule.title) for code, rule in all_rules().items() if code.startswith(incomplete.upper()))
    return [CompletionItem(code, help=title) for code, title in found]


def device_types(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete PTDaemon's number of an analyzer."""
    from analyzers.catalogue import catalogue

    found = ((str(entry.family.device_type), entry.family.title) for entry in catalogue())
    return [CompletionItem(number, help=title) for number, title in found if number.startswith(incomplete)]

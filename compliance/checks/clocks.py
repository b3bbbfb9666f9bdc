"""Rules about time: the clocks of both sides, and the pause between the two runs."""

from itertools import pairwise

from compliance.checks.common import SIDES
from compliance.facts import PHASES, Phase, SessionFacts, Side
from compliance.findings import Ask, Findings, MissingFactError
from evidence.session_json import Exchange
from evidence.session_json import Phase as Moments
from metrology.clock import Exchange as Stamps
from metrology.clock import Offset, estimate_offset

NS_PER_S = 1_000_000_000


def moments(facts: SessionFacts, side: Side, phase: Phase) -> Moments:
    """Get the four moments of a phase on one side.

    Raises:
        MissingFactError: they are not recorded.
    """
    record = facts.record(side)
    found = (record.phases or {}).get(phase)
    if found is None or len(found.points) != 4:
        raise MissingFactError(f"{record.file.name} has not the four moments of {phase}")
    return found


def clocks_agree(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that both sides saw each moment at the same time, and that their clocks agreed."""
    for phase in PHASES:
        client, server = (moments(facts, side, phase).wall_s for side in SIDES)
        limit_s = ask.round.reference.phase_tolerance_s
        for number, (ours_s, theirs_s) in enumerate(zip(client, server, strict=True), 1):
            if abs(ours_s - theirs_s) > limit_s:
                yield ask.fail(
                    f"client and director are {abs(ours_s - theirs_s):.3f} s apart at moment {number} of {phase}",
                    file=facts.client.file.name,
                    got=ours_s - theirs_s,
                    expected=limit_s,
                    unit="s",
                )
    offset = offset_of(facts)
    if offset is None:
        return
    limit_s = ask.number("offset_s")
    offset_s, uncertainty_s = offset.offset_ns / NS_PER_S, offset.uncertainty_ns / NS_PER_S
    if abs(offset_s) - uncertainty_s > limit_s:
        yield ask.fail(
            f"the director's clock is {offset_s:+.3f} s from the client's (known to {uncertainty_s * 1000:.1f} ms)",
            file=facts.client.file.name,
            got=offset_s,
            expected=limit_s,
            unit="s",
        )


def offset_of(facts: SessionFacts) -> Offset | None:
    """Estimate the offset of the clocks from the exchanges of time after a clock was set, None without one there."""
    messages = facts.record("client").messages
    steps = [number for number, entry in enumerate(messages) if entry.command == "set_ntp"]
    later = messages[steps[-1] + 1 :] if steps else messages
    stamps = [found for entry in later if entry.command == "time" and (found := _stamps(entry))]
    try:
        return estimate_offset(stamps)
    except ValueError as problem:
        if steps:
            return None
        raise MissingFactError("client.json has no exchange of time that can be read") from problem


def _stamps(entry: Exchange) -> Stamps | None:
    try:
        return Stamps(
            *(round(float(time_s) * NS_PER_S) for time_s in (entry.command_time_s, entry.reply, entry.reply_time_s))
        )
    except (ValueError, OverflowError):
        return None


def clocks_ran_on(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no clock was set while a phase ran: the wall clock must advance as the monotonic one does."""
    limit_s = ask.number("step_s")
    for side, phase in ((side, phase) for side in SIDES for phase in PHASES):
        for (wall_s, monotonic_s), (later_s, monotonic_later_s) in pairwise(moments(facts, side, phase).points):
            step_s = (later_s - wall_s) - (monotonic_later_s - monotonic_s)
            if abs(step_s) > limit_s:
                yield ask.fail(
                    f"the {side}'s clock was moved by {step_s:+.3f} s during {phase}",
                    file=facts.record(side).file.name,
                    got=step_s,
                    expected=limit_s,
                    unit="s",
                )


def no_long_pause(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that testing followed ranging without a pause in which somebody could step in."""
    ranging, testing = (moments(facts, "client", phase) for phase in PHASES)
    pause_s, longest_s = testing.wall_s[0] - ranging.wall_s[3], ask.number("pause_s")
    if not 0 <= pause_s <= longest_s:
        yield ask.fail(
            f"testing began {pause_s:.1f} s after ranging ended",
            file=facts.client.file.name,
            got=pause_s,
            expected=longest_s,
            unit="s",
        )

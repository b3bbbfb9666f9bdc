"""The eleven checks of the reference checker (mlcommons/power-dev compliance/check.py), bug for bug.

Each function gets the facts and the rules of the round and returns a note (often empty) for a pass. It raises
`Failed` where the reference asserts, `Warned` where it warns (and stops, which hides what comes after), and lets
through what Python raises on data of another shape: the reference ends in such an exception too, which `judge` calls
an error. So these functions work on `raw`, the JSON as it is. Figures and quirks: measured on 437 published results
with the checker of their round.
"""

import re
from uuid import UUID

from compliance.checks.reference_phases import judge_phases
from compliance.checks.reference_ptd_log import judge_ptd_log
from compliance.checks.reference_result import Failed
from compliance.facts import SessionFacts
from evidence.layout import REQUIRED_FILES
from rules.documents import RoundRules, SourceRules

GO_REPLY = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
STOP_REPLIES = ("Stopping untimed measurement", "Stopping untimed measurement", "Error: no measurement to stop")
HASHED_FILES = tuple(name for name in REQUIRED_FILES if not name.endswith(".json"))
"""The nine files whose SHA-1 the two JSON files record."""
MULTICHANNEL_WT330 = 77
_CLIENT_MAGIC = re.compile(r"mlcommons/power client v(\d+)$")
_SERVER_MAGIC = re.compile(r"mlcommons/power server v(\d+)$")


def _sources(found: object, rules: SourceRules, side: str) -> str:
    if found in rules.sets:
        return ""
    server = found.get("lib/server.py", "") if isinstance(found, dict) else ""
    if any(server.startswith(prefix) for prefix in rules.server_prefixes):
        return "accepted by the digest of lib/server.py alone; the rest of the round's sets is not known here"
    known = "" if rules.complete else "; not all sets of this round are known here"
    raise Failed(
        f"the {side}'s sources are none of the released sets {', '.join(rules.names) or '(none known)'} "
        f"(lib/server.py is {str(server)[:8] or 'not listed'}){known}"
    )


def client_sources(facts: SessionFacts, rules: RoundRules) -> str:
    """Check client sources checksum."""
    return _sources(facts.record("client").raw["sources"], rules.sources, "client")


def server_sources(facts: SessionFacts, rules: RoundRules) -> str:
    """Check server sources checksum."""
    return _sources(facts.record("server").raw["sources"], rules.sources, "server")


def ptd_commands(facts: SessionFacts, rules: RoundRules) -> str:
    """Check PTD commands and replies."""
    messages = facts.record("server").raw["ptd_messages"]
    _identity(_reply(messages, "Identify"), rules)
    amps, volts = _ranges_set(messages, "A"), _ranges_set(messages, "V")
    for message in messages:
        if message["cmd"].startswith("Go,1000,"):
            _same(message["reply"], GO_REPLY, message["cmd"])
    stops = [message["reply"] for message in messages if message["cmd"] == "Stop"]
    for number, got in enumerate(stops, 1):
        _same(got, STOP_REPLIES[min(number, len(STOP_REPLIES)) - 1], f"Stop number {number}")
    # The reply to RR is looked for at a fixed place.
    current, voltage = (_initial(messages[2]["reply"], place) for place in (1, 3))
    if volts[2:3] != [voltage]:
        raise Failed(f"the third SR,V sets {volts[2:3] or 'nothing'}, expected the initial '{voltage}'")
    if current not in [amps[place - 1] for place in rules.reference.restoring_amps if place <= len(amps)]:
        places = " or ".join(str(place) for place in rules.reference.restoring_amps)
        raise Failed(f"SR,A number {places} does not set the initial '{current}' (got {amps})")
    return ""


def _initial(reply: str, place: int) -> str:
    """Get what must be restored from a reply to RR: the text of a fixed range, or `Auto`; by position alone."""
    words = reply.split(",")
    try:
        return words[place + 1] if words[place] == "0" and float(words[place + 1]) > 0 else "Auto"
    except (ValueError, IndexError) as problem:
        raise Failed(f"the third reply of PTDaemon, '{reply[:60]}', tells no ranges") from problem


def _reply(messages: list[dict[str, str]], command: str) -> str:
    """Get the first reply to a command; nothing where it was not sent."""
    return next((message["reply"] for message in messages if message["cmd"] == command), "")


def _same(got: str, expected: str, command: str) -> None:
    if got != expected:
        raise Failed(f"the reply to {command} is '{got[:100]}', expected '{expected}'")


def _identity(reply: str, rules: RoundRules) -> None:
    version = re.search(r"(?<=version=)(.+?)-", reply)
    if version is None or version[1] not in rules.ptdaemon.versions:
        got = version[1] if version else "none"
        raise Failed(f"PTDaemon's version is {got}, accepted are {', '.join(rules.ptdaemon.versions)}")
    model = reply.split(",")[0]
    if model not in rules.ptdaemon.models:
        raise Failed(f"the analyzer is '{model[:60]}', accepted are {', '.join(rules.ptdaemon.models)}")


def _ranges_set(messages: list[dict[str, str]], quantity: str) -> list[str]:
    start = f"SR,{quantity},"
    found = [message for message in messages if message["cmd"].startswith(start)]
    for message in found:
        _same(message["reply"], f"Range {quantity} changed", message["cmd"])
    return [message["cmd"].removeprefix(start) for message in found]


def uuid(facts: SessionFacts, _rules: RoundRules) -> str:
    """Check UUID."""
    ours, theirs = (facts.record(side).raw["uuid"] for side in ("client", "server"))
    for name in ("client", "server"):
        if UUID(ours[name]) != UUID(theirs[name]):
            raise Failed(f"the {name}'s identifier is {ours[name]} in client.json, {theirs[name]} in server.json")
    return ""


def session_name(facts: SessionFacts, _rules: RoundRules) -> str:
    """Check session name."""
    ours, theirs = facts.record("client").raw["session_name"], facts.record("server").raw["session_name"]
    if ours != theirs:
        raise Failed(f"the session is '{ours}' in client.json, '{theirs}' in server.json")
    return ""


def time_difference(facts: SessionFacts, rules: RoundRules) -> str:
    """Check time difference."""
    return judge_phases(facts, rules)


def messages(facts: SessionFacts, rules: RoundRules) -> str:
    """Check client server messages."""
    ours, theirs = facts.record("client").raw["messages"], facts.record("server").raw["messages"]
    more = rules.reference.server_messages_more
    if len(ours) != len(theirs) - more:
        raise Failed(f"client.json has {len(ours)} messages, server.json {len(theirs)}, expected {more} more")
    for number, (our, their) in enumerate(zip(ours, theirs, strict=False), 1):
        same_reply = our["cmd"] == "time" or our["reply"] == their["reply"]
        if our["cmd"] != their["cmd"] or not same_reply:
            raise Failed(f"message {number} differs: client.json has {_shown(our)}, server.json {_shown(their)}")
    asked, answered = _CLIENT_MAGIC.search(theirs[0]["cmd"]), _SERVER_MAGIC.search(theirs[0]["reply"])
    if asked is None or answered is None or asked[1] != answered[1]:
        raise Failed(f"the handshake is {_shown(ours[0])}, expected client and server of the same version")
    return ""


def _shown(message: dict[str, str]) -> str:
    return f"'{message['cmd'][:60]}' -> '{message['reply'][:60]}'"


def results(facts: SessionFacts, _rules: RoundRules) -> str:
    """Check results checksum."""
    ours, theirs = (facts.record(side).raw["results"] for side in ("client", "server"))
    recorded, files = {**ours, **theirs}, facts.files()
    for name in HASHED_FILES:
        if name in ours and name in theirs and ours[name] != theirs[name]:
            raise Failed(f"client.json and server.json record different SHA-1 of {name}")
        if not files[name].was_read:
            raise Failed(f"{name} is missing: {files[name].reason}")
        if name not in recorded:
            raise Failed(f"neither client.json nor server.json records a SHA-1 of {name}")
        if recorded[name] != files[name].sha1:
            raise Failed(f"{name} has the SHA-1 {files[name].sha1}, recorded is {recorded[name]}")
    return ""


def ptd_log(facts: SessionFacts, rules: RoundRules) -> str:
    """Check errors and warnings from PTD logs."""
    return judge_ptd_log(facts, rules)


def ptd_config(facts: SessionFacts, rules: RoundRules) -> str:
    """Check PTD configuration."""
    found = facts.record("server").raw["ptd_config"]
    configs = found if rules.reference.ptd_config == "list" else [found]
    for config in configs:
        number = config["device_type"]
        if number not in rules.ptdaemon.models.values():
            known = ", ".join(str(known) for known in sorted(set(rules.ptdaemon.models.values())))
            raise Failed(f"the device number is {number}, accepted are {known}")
        if number == MULTICHANNEL_WT330:
            _two_channels(config["command"], config["channel"])
    return ""


def _two_channels(command: list[str], channels: list[int]) -> None:
    after = command[command.index("-c") + 1] if "-c" in command else ""
    if len(after.split(",")) != 2 or not channels or len(channels) != 2:
        raise Failed(
            f"a multichannel analyzer was started with '-c {after}' (channel {channels}), expected two numbers"
        )


def debug_off(facts: SessionFacts, _rules: RoundRules) -> str:
    """Check debug is disabled on server-side."""
    if facts.record("server").raw.get("debug", False) is not False:
        raise Failed("server.json says that the director ran in debug mode")
    return ""

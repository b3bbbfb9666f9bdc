import pytest

from wire.comeback import (
    Pass,
    hello_reply,
    new_secret,
    public,
    read_hello,
    read_resume,
    resume_line,
    same_secret,
    sign_line,
)


def test_hello_is_read_back_and_its_secret_shown_nowhere() -> None:
    given = Pass(new_secret(), 60.0)
    reply = hello_reply("0.1.0", given)
    assert read_hello(reply) == given
    assert public(reply) == "OK,0.1.0,<secret>,60"
    assert given.secret not in public(resume_line("2026-01-01_00-00-00", given.secret, 7))
    assert read_resume(resume_line("s", given.secret, 7)) == ("s", given.secret, 7)
    assert read_resume(f"wattrig,resume,s,{given.secret}") is None
    assert public(sign_line("s", given.secret)) == "wattrig,sign,s,<secret>"
    assert given.secret not in public(f"wattrig,fetch,s,{given.secret},run_1/spl.txt,0")


@pytest.mark.parametrize("reply", ["Error", "OK", "OK,0.1.0", "OK,0.1.0,short,60", f"OK,0.1.0,{'a' * 32},-1", ""])
def test_other_directors_give_no_pass(reply: str) -> None:
    assert read_hello(reply) is None


def test_other_lines_are_shown_as_they_are() -> None:
    line = f"new,,{'a' * 32}"
    assert public(line) == line


def test_an_empty_secret_opens_nothing() -> None:
    assert not same_secret("", "")
    assert not same_secret("\udcff".encode("utf-8", "replace").decode(), "a" * 32)
    assert same_secret("a" * 32, "a" * 32)

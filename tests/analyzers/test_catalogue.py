"""What is told of the drivers, and which of them reads what."""

import pytest

from analyzers.catalogue import OURS, UNTRIED, best_of, catalogue, suiting
from analyzers.drivers import KNOWN


def test_every_driver_is_listed_once_and_says_how_far_it_was_tried():
    entries = catalogue()
    assert [entry.family.device_type for entry in entries] == sorted(KNOWN)
    assert all(entry.family.verified and entry.family.source for entry in entries)
    by_type = {entry.family.device_type: entry for entry in entries}
    assert by_type[49].is_verified
    assert not by_type[57].is_verified
    assert all(set(entry.untried) <= set(entry.family.interfaces) & set(UNTRIED) for entry in entries)
    assert by_type[49].untried == ("usbtmc", "gpib")
    assert by_type[OURS].family.title.startswith("ZES")


@pytest.mark.parametrize(
    ("idn", "types"),
    [
        ("YOKOGAWA,WT310E,C3XA04010E,F1.04", [49, 549]),
        ("YOKOGAWA,WT333E,C2SF14011V,F1.01", [52, 77, 586]),
        ("YOKOGAWA,760203,U1J802935,F1.21", [35, 48, 535]),
        ("YOKOGAWA,760401,0,F1.12", [8, 508]),
        ("HIOKI,PW3335,0,V1.00", [57, 557]),
        ("GWInstek,GPM-8213,GES913349,V1.05", [9010]),
        ("KEYSIGHT,N6705C,1,2", []),
        ("", []),
    ],
)
def test_an_identity_names_the_drivers_that_read_it(idn, types):
    assert [family.device_type for family in suiting(idn)] == types


def test_the_best_is_the_lowest_of_the_kind():
    families = suiting("YOKOGAWA,WT333E,C2SF14011V,F1.01")
    chosen = [
        best_of(families, dc=dc, several=several) for dc, several in ((False, False), (False, True), (True, False))
    ]
    assert [family.device_type for family in chosen] == [52, 77, 586]
    assert best_of(families, dc=True, several=True) is None
    assert best_of([]) is None

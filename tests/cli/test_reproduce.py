"""One claim of the paper on the command line."""

import json
from typing import Any


def test_one_claim_says_how_it_comes_about(cli: Any) -> None:
    done = cli("reproduce", "--claim", "kpfm.target")
    assert done.returncode == 0, done.stderr
    for words in (
        "buried_interface.kpfm.target",
        "above zero",
        "agrees",
        "perotwin kpfm",
        "helped to choose",
    ):
        assert words in done.stdout
    one = json.loads(cli("reproduce", "--claim", "ni2p_shift", "--json").stdout)["results"][0]
    assert one["verdict"] == "no model" and one["twin"] is None and "core levels" in one["because"]


def test_an_unknown_claim_ends_in_two_with_the_near_ones(cli: Any) -> None:
    done = cli("reproduce", "--claim", "tandem.mean_target.vco")
    assert done.returncode == 2
    assert "tandem.mean_target.voc" in done.stderr

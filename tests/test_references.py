"""References have text, a stable key and, where one exists, a link."""

import pytest

from perotwin.errors import UnknownNameError
from perotwin.references import REFERENCES, find, get
from perotwin.references.instruments import INSTRUMENTS
from perotwin.references.works import WORKS


@pytest.mark.parametrize("key", sorted(REFERENCES))
def test_each_reference_can_be_cited(key: str) -> None:
    reference = get(key)
    assert reference.key == key
    assert len(reference.text) > 20
    assert str(reference).startswith(reference.text)
    assert not reference.link or reference.link.startswith(("doi:10.", "arXiv:", "https://"))


def test_a_source_text_leads_to_its_reference() -> None:
    assert find("thiesbrummel2024, C60 layer") is get("thiesbrummel2024")
    assert find("a definition") is None


def test_an_unknown_key_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="thiesbrummel2024"):
        get("thiesbrummel")


def test_no_key_stands_twice() -> None:
    keys = [one.key for one in (*WORKS, *INSTRUMENTS)]
    assert len(keys) == len(set(keys)) == len(REFERENCES)

"""A list of works covers every layer that light passes and every method that is used."""

import perotwin as pt
from perotwin.report import citations


def test_a_tandem_cites_the_materials_of_both_junctions_and_of_what_lies_between() -> None:
    cell = pt.load("tandem-target")
    found = citations.of(cell)
    wanted = {layer.material for layer in cell.layer if isinstance(layer.material, str)}
    assert {"au", "cu", "niox", "pedot-pss"} <= wanted == set(found.materials)


def test_numbers_of_a_tandem_are_cited_by_their_paths() -> None:
    found = citations.of(pt.load("tandem-target"))
    paths = [path for listed in found.works.values() for path in listed]
    assert "top.perovskite.bandgap" in paths and "bottom.perovskite.bandgap" in paths
    assert all(path.partition(".")[0] not in ("perovskite", "c60") for path in paths)


def test_methods_are_listed_once_and_say_what_couples_the_junctions() -> None:
    single = citations.of(pt.load("wbg-target")).methods
    both = citations.of(pt.load("tandem-target")).methods
    assert len(both) == len(set(both))
    assert set(single) < set(both)
    assert [link for _, _, link in both if link not in {one[2] for one in single}] == [
        "doi:10.1063/1.4729827"
    ]


def test_without_optics_no_light_couples_them() -> None:
    cell = pt.load("tandem-target").with_values({"light.generation": {"kind": "uniform", "rate": 1e27}})
    assert "doi:10.1063/1.4729827" not in {link for _, _, link in citations.of(cell).methods}

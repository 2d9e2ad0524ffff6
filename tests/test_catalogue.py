from __future__ import annotations

import os
from pathlib import Path

import pytest

from piiscan import catalogue
from piiscan.catalogue import Pack, PackName
from piiscan.errors import CatalogueError
from piiscan.model import Severity

GOOD = r"""
id       = "xx.thing"
name     = "Thing"
category = "pii"

[severity]
steps = { 1 = "low", 100 = "high" }

[match]
before  = '[^\w-]'
pattern = 'THG\d{6}'
after   = '[^\w-]'
anchor  = "THG"

[context]
keywords = ["thing"]

[confidence]
match   = 0.2
context = 0.9

[test_data]
values = ["thg-000 001"]

[[example]]
text = "thing THG123456"
find = ["THG123456"]

[[example]]
text = "thing: THG654321"
find = ["THG654321"]

[[negative]]
text    = "thing THG12345"
stopped = "match"

[[negative]]
text    = "THG123456"
stopped = "context"
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(tmp_path: Path, text: str = GOOD, name: str = "thing") -> Path:
    path = tmp_path / "rules" / "xx" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_reads_all_of_a_file(tmp_path: Path) -> None:
    rule = catalogue.load_rule(write(tmp_path))
    assert rule.id == "xx.thing"
    assert rule.severity == ((1, Severity.LOW), (100, Severity.HIGH))
    assert rule.match.anchors == ("THG",)
    assert rule.test_values == {"THG000001"}
    assert rule.confidence.context == 0.9
    assert [example.find for example in rule.examples] == [("THG123456",), ("THG654321",)]


REFUSED = {
    "unknown key": ('name     = "Thing"', 'name = "Thing"\ncolour = "red"', "colour"),
    "unknown key in a table": ("[context]", "[context]\nwidth = 3", "context.width"),
    "wrong type": ("anchor  =", "ignore_case = 1\nanchor =", "match.ignore_case"),
    "wrong id": ('"xx.thing"', '"xx.other"', "id"),
    "no category": ('category = "pii"', 'category = "secretive"', "category"),
    "falling severity": ('1 = "low", 100 = "high"', '1 = "high", 100 = "low"', "severity.steps"),
    "look-ahead": (r"'THG\d{6}'", r"'THG\d{6}(?=x)'", "match.pattern"),
    "look-behind": (r"'THG\d{6}'", r"'(?<!x)THG\d{6}'", "match.pattern"),
    "back-reference": (r"'THG\d{6}'", r"'THG(\d)\1{5}'", "match.pattern"),
    "capture": (r"'THG\d{6}'", r"'THG(\d{6})'", "match.pattern"),
    "star": (r"'THG\d{6}'", r"'THG\d*'", "match.pattern"),
    "plus": (r"'THG\d{6}'", r"'THG\d+'", "match.pattern"),
    "open repeat": (r"'THG\d{6}'", r"'THG\d{6,}'", "match.pattern"),
    "repeat over 1000": (r"'THG\d{6}'", r"'THG\d{6,1001}'", "match.pattern"),
    "too long": (r"'THG\d{6}'", "'THG" + "a" * 4100 + "'", "match.pattern"),
    "word boundary": (r"'THG\d{6}'", r"'THG\d{6}\b'", "match.pattern"),
    "flags": (r"'THG\d{6}'", r"'(?i)THG\d{6}'", "match.pattern"),
    "not ASCII": (r"'THG\d{6}'", "'THGé'", "match.pattern"),
    "broken pattern": (r"'THG\d{6}'", "'THG['", "match.pattern"),
    "guard of two": (r"before  = '[^\w-]'", r"before = '[^\w-]x'", "match.before"),
    "guard with repeat": (r"after   = '[^\w-]'", r"after = '[^\w-]?'", "match.after"),
    "short anchor": ('anchor  = "THG"', 'anchor = "TH"', "match.anchors"),
    "anchor not in the match": ('anchor  = "THG"', 'anchor = "TGH"', "match.anchors"),
    "anchor elsewhere": ('anchor  = "THG"', 'anchor = "THG"\nanchor_at = [1, 1]', "match.anchors"),
    "anchor in one branch": (r"'THG\d{6}'", r"'(?:THG|ABC)\d{6}'", "match.anchors"),
    "unknown shape": ('anchor  = "THG"', 'shape = "round"', "match.shape"),
    "empty keyword": ('keywords = ["thing"]', 'keywords = [""]', "context.keywords"),
    "keyword twice": ('keywords = ["thing"]', 'keywords = ["thing", "thing"]', "context.keywords"),
    "required without words": ('keywords = ["thing"]', "required = true", "context.required"),
    "confidence over one": ("match   = 0.2", "match = 1.2", "confidence.match"),
    "checksum without kind": ("[context]", "[checksum]\nlength = 3\n[context]", "checksum.kind"),
    "distance over 300": ("[context]", "[context]\ndistance = 301", "context.distance"),
    "least of none": ("[severity]", "[severity]\nleast = 0", "severity.least"),
    "no pattern of RE2": (
        "[context]",
        "[checksum]\nkind = 'screened'\npatterns = ['(?=x)']\n[context]",
        "checksum.patterns",
    ),
    "screened by no list": (
        "[context]",
        "[checksum]\nkind = 'screened'\nwords = ['a', 3]\n[context]",
        "checksum.words",
    ),
    "unknown stage": ('stopped = "context"', 'stopped = "luck"', "negative[1].stopped"),
    "find not in the text": ('find = ["THG654321"]', 'find = ["THG000000"]', "example[1].find"),
    "one negative": ('[[negative]]\ntext    = "THG123456"\nstopped = "context"', "", "negative"),
    "one example": ('[[example]]\ntext = "thing: THG654321"\nfind = ["THG654321"]', "", "example"),
    "digest that is none": ('values = ["thg-000 001"]', 'digests = ["abc"]', "test_data.digests"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_refuses_and_names_file_and_key(tmp_path: Path, case: str) -> None:
    old, new, key = REFUSED[case]
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(CatalogueError) as caught:
        catalogue.load_rule(path)
    assert str(caught.value).startswith(f"{path}: {key}:")


def test_refuses_what_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"thing\.toml"):
        catalogue.load_rule(write(tmp_path, "id = "))


def test_anchor_behind_an_optional_start(tmp_path: Path) -> None:
    text = GOOD.replace(r"'THG\d{6}'", r"'x{0,2}(?:THG|THG)[0-9]{6}'").replace(
        '"THG"\n\n', '"THG"\nanchor_at = [0, 2]\n\n', 1
    )
    assert catalogue.load_rule(write(tmp_path, text)).match.anchor_at == (0, 2)


def test_extra_rules_replace_and_sort(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "a", GOOD.replace("xx.thing", "xx.also"), "also")
    extra = write(tmp_path / "b", GOOD.replace('name     = "Thing"', 'name = "Mine"'))
    rules = catalogue.load_rules(tmp_path / "a", [extra])
    assert [rule.id for rule in rules] == ["xx.also", "xx.thing"]
    assert rules[1].name == "Mine"
    with pytest.raises(CatalogueError, match="no such"):
        catalogue.load_rules(tmp_path / "a", [tmp_path / "none"])


def test_cache_gives_the_same_rules_and_sees_changes(tmp_path: Path) -> None:
    path = write(tmp_path)
    first = catalogue.load_rules(tmp_path)
    assert list((tmp_path / "cache" / "piiscan").glob("rules-*.json"))
    assert (tmp_path / "cache" / "piiscan").stat().st_mode & 0o777 == 0o700
    assert catalogue.load_rules(tmp_path) == first
    path.write_text(GOOD.replace('name     = "Thing"', 'name     = "Other thing"'))
    assert catalogue.load_rules(tmp_path)[0].name == "Other thing"


def test_a_broken_cache_is_read_around(tmp_path: Path) -> None:
    write(tmp_path)
    first = catalogue.load_rules(tmp_path)
    for cache in (tmp_path / "cache" / "piiscan").glob("rules-*.json"):
        cache.write_text('[{"id": 3}]')
    assert catalogue.load_rules(tmp_path) == first


def test_an_unwritable_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "file"))
    write(tmp_path)
    assert len(catalogue.load_rules(tmp_path)) == 1


def test_digest_knows_what_matters(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, GOOD.replace("xx.thing", "xx.also"), "also")
    one, two = catalogue.load_rules(tmp_path)
    assert catalogue.digest([one, two]) == catalogue.digest([two, one])
    path = write(tmp_path, GOOD.replace("match   = 0.2", "match   = 0.3"))
    changed = catalogue.load_rule(path)
    assert catalogue.digest([one, changed]) != catalogue.digest([one, two])
    path.write_text(GOOD.replace('"THG654321"', '"THG654321"').replace('name     = "Thing"', 'name = "Thing"'))
    assert catalogue.digest([one, catalogue.load_rule(path)]) == catalogue.digest([one, two])


def test_packs_and_selection(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, GOOD.replace("xx.thing", "xx.also"), "also")
    rules = catalogue.load_rules(tmp_path)
    pack = Pack(PackName("p"), "", ("xx.*",), ("xx.also",))
    assert [rule.id for rule in catalogue.select(rules, [pack])] == ["xx.thing"]
    assert [rule.id for rule in catalogue.select(rules, [], include=["xx.a*"])] == ["xx.also"]
    assert [rule.id for rule in catalogue.select(rules, [pack], ["xx.*"], exclude=["xx.thing"])] == ["xx.also"]
    with pytest.raises(CatalogueError, match="no rule"):
        catalogue.select(rules, [Pack(PackName("p"), "", ("yy.*",))])
    with pytest.raises(CatalogueError, match="no pack"):
        catalogue.load_pack("none", tmp_path)


def test_pack_file_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "packs" / "mine.toml"
    path.parent.mkdir()
    path.write_text('name = "mine"\nrules = ["*"]\ncolour = 1\n')
    with pytest.raises(CatalogueError, match="colour"):
        catalogue.load_pack("mine", tmp_path)
    path.write_text('name = "other"\nrules = ["*"]\n')
    with pytest.raises(CatalogueError, match="name"):
        catalogue.load_pack(str(path), tmp_path)


def test_the_catalogue_is_found() -> None:
    assert (catalogue.default_folder() / "rules").is_dir()


def test_packs_choose_by_category_and_tag() -> None:
    rules = catalogue.load_rules()
    keys = catalogue.select(rules, [], include=["category:credentials"])
    assert keys
    assert {rule.category.value for rule in keys} == {"credentials"}
    tagged = catalogue.select(rules, [], include=["tag:pci"], exclude=["category:credentials"])
    assert tagged
    assert all("pci" in rule.tags and rule.category.value != "credentials" for rule in tagged)
    with pytest.raises(CatalogueError, match="category:none"):
        catalogue.select(rules, [], include=["category:none"])


def test_an_imported_rule_needs_no_examples(tmp_path: Path) -> None:
    bare = GOOD[: GOOD.index("[[example]]")]
    with pytest.raises(CatalogueError, match="example"):
        catalogue.load_rule(write(tmp_path, bare))
    rule = catalogue.load_rule(write(tmp_path, 'origin = "elsewhere"\n' + bare))
    assert (rule.origin, rule.examples, rule.negatives) == ("elsewhere", (), ())


def test_own_rules_lie_anywhere_below_their_folder(tmp_path: Path) -> None:
    path = write(tmp_path)
    for folder in (path.parent.parent, path.parent, path):
        assert [rule.id for rule in catalogue.own_rules([folder])] == ["xx.thing"]
    again = tmp_path / "rules" / "more" / "xx" / "thing.toml"
    again.parent.mkdir(parents=True)
    again.write_text(GOOD.replace('"Thing"', '"Other"'))
    with pytest.raises(CatalogueError, match=r"xx\.thing is the id of"):
        catalogue.own_rules([tmp_path / "rules"])
    assert [rule.name for rule in catalogue.own_rules([path, again])] == ["Other"]

"""The file of a policy pack: one form for one content, and nothing taken that was not signed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.errors import ConfigError
from piiscan.policypack import pack as packs
from piiscan.policypack.apply import verified
from piiscan.policypack.pack import PolicyPack, hash_of, read_pack
from piiscan.policypack.signing import DOMAIN, key_id, make_key, read_private, read_public, sign, verify
from tests.policypack.folder import NOW, OTHER, PRIVATE, SMALL, WHOLE, made, public, signed, trusted

KEY = key_id(public())
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
file_names = st.one_of(
    st.sampled_from(["settings.toml", "jobs.toml", "weights.toml", "allow/a.txt", "allow/words/a.txt", "packs/x.toml"]),
    st.from_regex(r"rules/[a-z]{1,8}/[a-z][a-z_]{0,7}\.toml", fullmatch=True),
)


@st.composite
def any_packs(draw: st.DrawFn) -> PolicyPack:
    files = draw(st.dictionaries(file_names, text, max_size=5))
    return PolicyPack(
        draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)),
        draw(st.integers(1, packs.MOST_VERSION)),
        draw(text),
        draw(st.dates()),
        tuple(draw(st.lists(text, max_size=3))),
        {name: hash_of(found.encode()) for name, found in files.items()},
        files,
        draw(st.dictionaries(st.from_regex(r"[0-9a-f]{16}", fullmatch=True), st.just("ab" * 64), max_size=2)),
    )


@given(any_packs(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_one_content_has_one_form(found: PolicyPack, chance: random.Random) -> None:
    data = found.to_bytes()
    assert read_pack(data, "x") == found
    names = list(found.files)
    chance.shuffle(names)
    shuffled = replace(
        found, files={n: found.files[n] for n in names}, digests={n: found.digests[n] for n in reversed(names)}
    )
    assert (shuffled.to_bytes(), shuffled.digest) == (data, found.digest)
    for other in (json.dumps(json.loads(data)).encode(), data + b"\n", data.rstrip(), b"\xef\xbb\xbf" + data):
        with pytest.raises(ConfigError):
            read_pack(other, "x")


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(ConfigError):
        read_pack(data, "x")


def test_no_byte_can_be_changed() -> None:
    data = signed(made(WHOLE, locked=("threshold",)))
    chance = random.Random(8)
    for at in chance.sample(range(len(data)), 200):
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        with pytest.raises(ConfigError):
            verified(bytes(changed), "pack", trusted(), NOW)


def test_no_byte_can_be_left_out_or_added() -> None:
    data = signed(made())
    for at in random.Random(9).sample(range(len(data)), 100):
        for changed in (data[:at] + data[at + 1 :], data[:at] + b" " + data[at:], data[:at]):
            with pytest.raises(ConfigError):
                verified(changed, "pack", trusted(), NOW)


def edited(change: Callable[[dict[str, Any]], Any], data: bytes | None = None) -> bytes:
    """A signed pack whose document somebody changed, in the form that the program writes."""
    document = json.loads(data or signed(made()))
    change(document)
    return (json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def add(document: dict[str, Any]) -> None:
    document["files"]["allow/all.txt"] = ["x", ""]


def add_both(document: dict[str, Any]) -> None:
    add(document)
    document["manifest"]["files"]["allow/all.txt"] = hash_of(b"x\n")


OTHER_PACK = json.loads(signed(made(version=9)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda d: d["files"].update({"settings.toml": ["threshold = 0.9", ""]}),
            "tampered: settings.toml is not what was",
        ),
        (lambda d: d["files"].pop("jobs.toml"), "tampered: jobs.toml is missing"),
        (add, "tampered: allow/all.txt was added"),
        (add_both, "tampered: the signature of key"),
        (lambda d: d["manifest"].update(version=2), "tampered: the signature of key"),
        (lambda d: d["manifest"].update(expires="2099-01-01"), "tampered: the signature of key"),
        (lambda d: d.update(manifest=OTHER_PACK["manifest"]), "tampered: the signature of key"),
        (lambda d: d.update(signatures=OTHER_PACK["signatures"]), "tampered: the signature of key"),
        (lambda d: d.update(signatures=[]), "it is not signed"),
        (lambda d: d["signatures"][0].update(key="0" * 16), "its key 0000000000000000 is not trusted here"),
        (lambda d: d["manifest"].update(format=2), "format 2, and this piiscan reads format 1"),
        (lambda d: d["manifest"].update(more=1), "no policy pack, or a damaged one"),
        (lambda d: d.update(more=1), "tampered: it is not in the form"),
        (lambda d: d["manifest"].update(version=True), "no policy pack, or a damaged one"),
        (lambda d: d["signatures"].append(d["signatures"][0]), "tampered: it is not in the form"),
        (lambda d: d["signatures"][0].update(signature="AB" * 64), "no policy pack, or a damaged one"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_was_tampered_with_is_refused_with_the_reason(change: Callable[[dict[str, Any]], Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        verified(edited(change), "pack", trusted(), NOW)


def test_a_name_twice_is_refused() -> None:
    data = signed(made()).replace(b' "manifest": {', b' "manifest": {},\n "manifest": {', 1)
    with pytest.raises(ConfigError, match="a name stands in it twice"):
        read_pack(data, "pack")


@pytest.mark.parametrize(
    "name",
    [
        "../settings.toml", "/etc/passwd", "rules/../../x.toml", "rules/x.toml", "allow/../x.txt", "allow/words/../x",
        "rules/a/.hidden.toml", "manifest.json", "current", "rules\\a\\b.toml", "rules/a/b.py", "allow/\u00e9.txt",
        "packs/x.toml\n", "", "rules/a/b.toml/", "allow/x\x00.txt", "sinks.toml",
    ],
)  # fmt: skip
def test_names_that_have_no_place_in_a_pack_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no file of a policy pack has this name"):
        verified(signed(made(SMALL | {name: "x"})), "pack", trusted(), NOW)


def test_names_that_differ_by_capitals_are_refused() -> None:
    with pytest.raises(ConfigError, match="there twice, but for capitals"):
        verified(signed(made({"allow/a.txt": "x", "allow/A.txt": "x"})), "pack", trusted(), NOW)


def test_one_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = signed(made())
    monkeypatch.setattr(packs, "MOST_BYTES", len(data) - 1)
    with pytest.raises(ConfigError, match="a policy pack has at most"):
        read_pack(data, "pack")
    monkeypatch.setattr(packs, "MOST_BYTES", len(data))
    monkeypatch.setattr(packs, "MOST_FILES", 2)
    with pytest.raises(ConfigError, match="at most 2 files"):
        read_pack(data, "pack")


def test_deep_nesting_and_long_numbers_are_refused() -> None:
    for data in (b"[" * 100_000, b'{"manifest": ' + b"9" * 10_000 + b"}", b'{"manifest": NaN}', b'{"manifest": 1.5}'):
        with pytest.raises(ConfigError, match="no policy pack, or a damaged one"):
            read_pack(data, "pack")


def test_another_key_is_refused_by_its_id() -> None:
    with pytest.raises(ConfigError, match=f"its key {key_id(public(OTHER))} is not trusted here"):
        verified(signed(made(), OTHER), "pack", trusted(), NOW)
    with pytest.raises(ConfigError, match="not trusted"):
        verified(signed(made()), "pack", {}, NOW)


def test_of_several_signatures_one_that_is_trusted_is_enough_and_none_may_be_false() -> None:
    both = sign(sign(made(), OTHER), PRIVATE)
    assert sorted(both.signatures) == sorted([KEY, key_id(public(OTHER))])
    assert verify(both, trusted()) == KEY
    false = replace(both, signatures={**both.signatures, key_id(public(OTHER)): "00" * 64})
    assert verify(false, trusted()) == KEY
    with pytest.raises(ConfigError, match="tampered"):
        verify(false, trusted() | trusted(OTHER))


def test_a_signature_of_the_manifest_without_our_text_is_none() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    bare = Ed25519PrivateKey.from_private_bytes(PRIVATE).sign(made().manifest).hex()
    with pytest.raises(ConfigError, match="tampered"):
        verify(replace(made(), signatures={KEY: bare}), trusted())
    assert DOMAIN.endswith(b"\0")


def test_an_expired_one_is_refused_from_the_end_of_its_last_day() -> None:
    data = signed(made({}, expires=date(2026, 12, 1)))
    assert verified(data, "pack", trusted(), datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC)).key == KEY
    with pytest.raises(ConfigError, match="expired: its last day was 2026-12-01"):
        verified(data, "pack", trusted(), datetime(2026, 12, 2, tzinfo=UTC))


def test_what_was_tampered_with_is_not_signed() -> None:
    changed = replace(made(), files=SMALL | {"settings.toml": "threshold = 0.9\n"})
    with pytest.raises(ConfigError, match=r"tampered: settings\.toml"):
        sign(changed, PRIVATE)


def test_keys_are_made_once_and_for_their_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "policy.key"
    told = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_public(told) == read_public(str(tmp_path / "policy.key.pub"))
    private = read_private(str(path))
    pack = sign(made(), private)
    assert verify(pack, {key_id(read_public(told)): read_public(told)})
    with pytest.raises(ConfigError, match="is there already"):
        make_key(path)
    monkeypatch.setenv("POLICY_KEY", path.read_text())
    assert read_private("env:POLICY_KEY") == private == read_private(f"file:{path}")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="readable by others"):
        read_private(str(path))


@pytest.mark.parametrize(
    "told", ["ed25519:ab", "ed25519-private:" + "ab" * 32, "/no/such/file", "ed25519:" + "zz" * 32]
)
def test_what_is_no_public_key_is_refused(told: str) -> None:
    with pytest.raises(ConfigError, match="key"):
        read_public(told)


def test_a_private_key_that_is_none_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("ed25519-private:" + "cafe" * 9)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="no key") as caught:
        read_private(str(path))
    assert "cafe" not in str(caught.value)


def test_what_lists_hold_is_in_no_repr() -> None:
    assert "B-AA-000001" not in repr(made(WHOLE))

"""The tables of policies, read."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from piiscan.posture.policy import Access, Circle, analyse, analyse_key_policy

BUCKET = "records"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWN = "111122223333"
OWN_ORG = "o-ownorg1234"
CIRCLE = Circle(
    OWN,
    OWN_ORG,
    frozenset({"111122224444"}),
    frozenset(),
    frozenset({"E1EXAMPLE1DIST", "b1f0e1c2d3a4b5c6d7e8f90112233445566778899aabbccddeeff00112233445"}),
)


@dataclass(frozen=True)
class Case:
    """One document and what it gives."""

    id: str
    why: str
    document: dict[str, Any]
    expected: dict[str, object]

    @property
    def of_key(self) -> bool:
        return self.id.startswith("key: ")


def _case(raw: dict[str, Any]) -> Case:
    policy = json.loads(raw["policy"])
    document = policy if isinstance(policy, dict) else {"Version": "2012-10-17", "Statement": policy}
    expected: dict[str, object] = {
        "public": raw.get("public", False),
        "everyone": raw.get("everyone", raw.get("reach") == "EVERYONE"),
        "reach": raw.get("reach", "NOBODY"),
        "can": sorted(raw.get("can", [])),
        "external": sorted(raw.get("external", [])),
        "organisations": sorted(raw.get("organisations", [])),
        "cloudfront": raw.get("cloudfront", False),
        "tls_only": raw.get("tls_only", False),
    }
    return Case(raw["id"], raw["why"], document, expected)


CASES = [
    _case(raw)
    for file in sorted((Path(__file__).parent / "policies").glob("*.toml"))
    for raw in tomllib.loads(file.read_text(encoding="utf-8"))["case"]
]


def judged(case: Case) -> Access:
    return analyse_key_policy(case.document, KEY, CIRCLE) if case.of_key else analyse(case.document, BUCKET, CIRCLE)

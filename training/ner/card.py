"""The card of the model: what it was trained on, under which licences, how it scores, and the digest of its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.ner.data import LABELS
from training.ner.score import Counts

LICENCES = {
    "btc": "Broad Twitter Corpus, CC BY 4.0",
    "crossner": "CrossNER, MIT",
    "gmb_texts_by_en_core_web_md": "public-domain texts of the Groningen Meaning Bank, labels of en_core_web_md (MIT)",
    "gum_ccby": "GUM, the documents under CC BY 4.0",
    "legal_ner_in": "Indian legal NER, Apache 2.0",
    "litbank": "LitBank, CC BY 4.0",
    "multiner_gov": "MultiNER, government reports, CC0",
    "tweebank": "Tweebank NER, MIT",
    "usaddress": "usaddress, MIT",
    "wikigold": "WikiGold, CC BY 4.0",
    "wnut17": "WNUT 2017, CC BY 4.0",
}
"""What each source is, and the licence of its labels."""
OTHERS = (
    "vectors of en_core_web_md (MIT; the vectors CC0)",
    "names of the US Census 1990 (public domain), of Faker (MIT)",
    "cities and countries of GeoNames (CC BY 4.0)",
    "lines of Python's standard library as text without names (PSF)",
    "a teacher trained on the above from all-MiniLM-L6-v2 (Apache 2.0), whose opinion of each word the network learned",
)


def write_card(
    folder: Path, file: str, digest: str, sources: Sequence[str], scores: Mapping[str, Mapping[str, Counts]], made: str
) -> None:
    """Write `model.toml` beside the weights. Raises: KeyError for a source whose licence is not known."""
    lines = [
        'name = "piiscan_ner"',
        f"file = {json.dumps(file)}",
        f"sha256 = {json.dumps(digest)}",
        f"labels = {json.dumps([label for label in LABELS if label != 'OTHER'])}",
        'language = "en"',
        'licence = "Apache-2.0, with parts under CC BY 4.0 (see NOTICE)"',
        f"made = {json.dumps(made)}",
        "data = [",
        *(f"  {json.dumps(LICENCES[source])}," for source in sorted(sources)),
        *(f"  {json.dumps(other)}," for other in OTHERS),
        "]",
        "",
        "# Strict F1, and overlap by recall and precision, in per cent, on the development sets.",
        "[scores]",
    ]
    for name, counts in scores.items():
        values = ", ".join(
            f"{label.lower()} = [{100 * c.f1():.1f}, {100 * c.recall():.1f}, {100 * c.precision():.1f}]"
            for label, c in counts.items()
        )
        lines.append(f"{name} = {{ {values} }}")
    (folder / "model.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

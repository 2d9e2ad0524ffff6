"""An import from Macie, kind by kind: what each entry becomes, and where it goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from piiscan.cli.import_store import MadeJob, checked, in_force, put_job, put_suppression, questions
from piiscan.cli.import_write import Folder, put_list, put_pack, put_rule, worst
from piiscan.errors import ConfigError
from piiscan.importing.macie_config import filters, identifiers, jobs, lists
from piiscan.importing.macie_config.entries import WANTED, Entry, Gathered, Kind, Outcome
from piiscan.importing.macie_config.fields import Known
from piiscan.importing.macie_config.filters import Filter
from piiscan.importing.macie_config.jobs import Plan
from piiscan.importing.regex import Refused

if TYPE_CHECKING:
    from piiscan.jobs.store import JobStore
    from piiscan.store.ingest import DuckStore

Words = Callable[[lists.AllowList], bytes]
"""The words of an allow list. Raises: Refused."""
OpenJobs = Callable[[], "JobStore"]
OpenStore = Callable[[], "DuckStore"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command was told."""

    at: str
    zone: str
    replace: bool
    dry: bool
    aws: Mapping[str, Any] = field(default_factory=dict)
    """AWS settings that jobs are given."""


class Taking:
    """One import; `outcomes` has one for each entry at the end."""

    def __init__(self, gathered: Gathered, folder: Folder, wishes: Wishes, words: Words) -> None:
        self._entries = gathered.ordered()
        self._folder, self._wishes, self._words = folder, wishes, words
        self.outcomes: list[Outcome] = []
        self._rules: dict[str, list[str]] = defaultdict(list)
        """Rules by name and ARN of identifiers."""
        self._rule_files: dict[str, str] = {}
        self._list_files: dict[str, str] = {}
        """Files by Macie's id."""
        self._jobs: dict[str, str] = {}

    def has(self, kind: Kind) -> bool:
        """Whether there is something of a kind that may be imported."""
        return any(entry.whole for entry in self._entries[kind])

    @cached_property
    def _managed(self) -> Mapping[str, list[str]]:
        """The rules of ours by managed identifier."""
        from piiscan.catalogue import load_rules

        out: dict[str, list[str]] = defaultdict(list)
        for rule in load_rules():
            if rule.macie:
                out[rule.macie].append(str(rule.id))
        return dict(out)

    def _each(self, kind: Kind, names: Mapping[int, str], take: Callable[[Entry, str], Outcome]) -> None:
        for i, entry in enumerate(self._entries[kind]):
            if not entry.whole:
                reason = f"only its name stands here: save what `{WANTED[kind].format(entry.id or 'ID')}` prints"
                self.outcomes.append(Outcome(kind, entry.name, entry.id, reason=reason))
                continue
            try:
                self.outcomes.append(take(entry, names[i]))
            except (Refused, ConfigError) as err:
                self.outcomes.append(Outcome(kind, entry.name, entry.id, reason=str(err)))

    def take_identifiers(self) -> None:
        """Rule files of the custom data identifiers."""

        def take(entry: Entry, stem: str) -> Outcome:
            made = identifiers.rule(entry, stem)
            name, state = put_rule(self._folder, made)
            rule = str(made.table["id"])
            for called in (entry.name, entry.data.get("arn")):
                if isinstance(called, str):
                    self._rules[called].append(rule)
            self._rule_files[entry.id or entry.name] = str(self._folder.path(name))
            return Outcome(entry.kind, entry.name, entry.id, (name,), state, made.notes)

        self._each(Kind.IDENTIFIER, identifiers.stems(self._entries[Kind.IDENTIFIER]), take)

    def take_lists(self) -> None:
        """Files of the allow lists."""

        def take(entry: Entry, stem: str) -> Outcome:
            made = lists.allow_list(entry)
            words = None if made.pattern else self._words(made)
            toml = made.as_toml(f"{stem}.txt" if words is not None else "")
            names, state = put_list(self._folder, stem, toml, words)
            self._list_files[entry.id or entry.name] = str(self._folder.path(names[-1]))
            return Outcome(entry.kind, entry.name, entry.id, names, state, made.notes)

        self._each(Kind.ALLOW_LIST, identifiers.stems(self._entries[Kind.ALLOW_LIST]), take)

    def take_jobs(self, store: JobStore | None) -> None:
        """Jobs of the classification jobs; without a store these are only told of."""

        def take(entry: Entry, name: str) -> Outcome:
            found = jobs.plan(entry, name, self._wishes.at)
            settings, notes, names, state = self._settings(found)
            made = MadeJob(
                name, entry.id or entry.name, found.schedule, self._wishes.zone, tuple(found.reach.targets),
                checked(settings), found.paused,
            )  # fmt: skip
            job_state = "new" if store is None else put_job(store, made, replace=self._wishes.replace)
            state = worst([state, job_state])
            for called in (entry.id, entry.data.get("jobArn")):
                if isinstance(called, str) and called:
                    self._jobs[called] = name
            return Outcome(entry.kind, entry.name, entry.id, (f"job {name}", *names), state, (*found.notes, *notes))

        self._each(Kind.JOB, jobs.job_names(self._entries[Kind.JOB]), take)

    def _settings(self, found: Plan) -> tuple[dict[str, Any], list[str], tuple[str, ...], str]:
        """The configuration of a job, remarks, the file that it needs, and its state. Raises: Refused."""
        own, names, notes = jobs.rules_of(found, self._managed)
        rules = [self._rule_files[one] for one in found.identifiers if one in self._rule_files]
        allow = [self._list_files[one] for one in found.allow_lists if one in self._list_files]
        if not rules and not own and own is not None and not names:
            raise Refused("nothing that it looks for is imported")
        missing = [one for one in found.identifiers if one not in self._rule_files]
        if missing:
            notes.append(f"less is found than in Macie: custom identifiers that are not imported: {', '.join(missing)}")
        missing = [one for one in found.allow_lists if one not in self._list_files]
        if missing:
            notes.append(f"more is found than in Macie: allow lists that are not imported: {', '.join(missing)}")
        pack, state = "macie-recommended", "unchanged"
        made: tuple[str, ...] = ()
        if own is not None:
            stem = "macie-all" if found.selector == "ALL" else f"macie-{found.name.lower()}"
            summary = f"What Macie's selector {found.selector} means, for the job {found.name}."
            if found.selector == "ALL":
                summary = "The rules that answer for managed data identifiers of Macie; names come from the recogniser."
            state = put_pack(self._folder, stem, summary, own)
            made = (f"packs/{stem}.toml",)
            pack = str(self._folder.path(made[0]))
        reach = found.reach
        settings: dict[str, Any] = {"packs": [pack], "ner": names}
        optional = {
            "rules": rules, "allow": allow, "include": reach.include, "exclude": reach.exclude,
            "max_object_bytes": reach.most_bytes, "sample": float(found.sample) if found.sample < 100 else None,
            "aws": {**self._wishes.aws, **({"bucket_tags": reach.bucket_tags} if reach.bucket_tags else {})},
        }  # fmt: skip
        return settings | {key: value for key, value in optional.items() if value}, notes, made, state

    def take_filters(self, open_store: OpenStore | None) -> None:
        """Suppressions and saved queries of the findings filters; without a store these are only told of."""
        meant: dict[int, Filter] = {}
        known = Known(
            dict(self._rules),
            self._jobs,
            frozenset(self._managed) | jobs.NAMED if self.has(Kind.FILTER) else frozenset(),
        )
        names = identifiers.stems(self._entries[Kind.FILTER])

        def take(entry: Entry, stem: str) -> Outcome:
            found = filters.filter_(entry, known)
            if found.archives:
                meant[len(self.outcomes)] = found
                return Outcome(entry.kind, entry.name, entry.id, ("a suppression",), "new", found.notes)
            name = f"queries/{stem}.sql"
            state = self._folder.put(name, f"-- {' '.join(entry.name.split())}\n{found.query()}".encode())
            notes = (f"it archives nothing: `piiscan sql < {self._folder.root / name}` shows what it selects",)
            return Outcome(entry.kind, entry.name, entry.id, (name,), state, (*found.notes, *notes))

        self._each(Kind.FILTER, names, take)
        if meant and open_store is not None:
            self._suppress(meant, open_store)

    def _suppress(self, meant: Mapping[int, Filter], open_store: OpenStore) -> None:
        from piiscan.triage import put_into_force

        store = open_store()
        try:
            anew: dict[int, Filter] = {}
            for at, found in meant.items():
                before = self.outcomes[at]
                known = in_force(store, before.id or before.name, found)
                if known is None:
                    anew[at] = found
                else:
                    self.outcomes[at] = replace(before, made=(f"suppression {known}",), state="unchanged")
            for at, why in zip(anew, questions(store, anew.values()), strict=True):
                before = self.outcomes[at]
                try:
                    if why:
                        raise Refused(why)
                    number, state = put_suppression(
                        store, before.id or before.name, before.name, meant[at], replace=self._wishes.replace
                    )
                except Refused as err:
                    self.outcomes[at] = replace(before, made=(), state="", remarks=(), reason=str(err))
                else:
                    self.outcomes[at] = replace(before, made=(f"suppression {number}",), state=state)
            if anew:
                put_into_force(store)
        finally:
            store.close()

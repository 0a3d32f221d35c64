"""Whatever is added, corrected, grouped and forgotten in whatever order, the workspace equals a plain dictionary."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from foveal.store.certificate import fulfils_commitment, verify_certificate
from foveal.store.workspace import Workspace
from tests.store.kept import new_example, picture_bytes

LABELS = st.lists(st.sampled_from(["cat", "dog", "föx"]), max_size=2, unique=True)


class Changes(RuleBasedStateMachine):
    """A workspace beside its model: id to (number, labels, group)."""

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.workspace = Workspace.create(Path(self.place.name) / "w", {})
        self.n_memories = 0
        self.model: dict[int, tuple[int, tuple[str, ...], str | None]] = {}

    @rule(numbers=st.lists(st.integers(0, 30), max_size=3), labels=LABELS)
    def add(self, numbers: list[int], labels: list[str]) -> None:
        ids = self.workspace.add([new_example(number, labels=labels) for number in numbers])
        assert not set(ids) & set(self.model)
        self.model.update({i: (number, tuple(labels), None) for i, number in zip(ids, numbers, strict=True)})

    @rule(data=st.data(), labels=LABELS)
    def relabel(self, data: st.DataObject, labels: list[str]) -> None:
        ids = data.draw(st.lists(st.sampled_from([0, *self.model]), unique=True).map(lambda x: [i for i in x if i]))
        self.workspace.relabel(ids, [labels] * len(ids))
        self.model.update({i: (self.model[i][0], tuple(labels), self.model[i][2]) for i in ids})

    @rule(data=st.data(), group=st.sampled_from(["burst", None]))
    def group(self, data: st.DataObject, group: str | None) -> None:
        ids = data.draw(st.lists(st.sampled_from([0, *self.model]), unique=True).map(lambda x: [i for i in x if i]))
        self.workspace.set_groups(dict.fromkeys(ids, group))
        self.model.update({i: (*self.model[i][:2], group) for i in ids})

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        if self.model:
            ids = data.draw(st.lists(st.sampled_from(list(self.model)), min_size=1, unique=True))
            self.n_memories += 1
            erased = self.workspace.erase(ids, asked="picture", memory_sha256=f"memory {self.n_memories}")
            certificate = self.workspace.certify(erased)
            assert verify_certificate(certificate, self.workspace.public_key) == []
            assert all(fulfils_commitment(certificate, picture_bytes(self.model[i][0])) for i in ids)
            self.model = {i: kept for i, kept in self.model.items() if i not in ids}

    @rule()
    def reopen(self) -> None:
        self.workspace.close()
        self.workspace = Workspace.open(self.workspace.folder, writing=True)

    @invariant()
    def equals_the_model(self) -> None:
        rows = self.workspace.rows()
        assert {row.id: (row.labels, row.group) for row in rows} == {i: kept[1:] for i, kept in self.model.items()}
        ids = list(self.model)[::-1]
        if ids:
            assert np.array_equal(self.workspace.codes(ids), [new_example(self.model[i][0]).code for i in ids])
        assert self.workspace.problems() == []

    def teardown(self) -> None:
        self.workspace.close()
        self.place.cleanup()


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=10, stateful_step_count=10, deadline=None)

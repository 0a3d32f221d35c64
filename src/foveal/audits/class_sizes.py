"""Classes too small to be estimated or promised anything, and classes that dwarf others."""

from collections import defaultdict
from collections.abc import Sequence

from foveal.audits.finding import Finding, say_how_many
from foveal.recognizers.conformal import least_for

DWARFED = 20.0


def find_small_classes(labels: Sequence[tuple[str, ...]], groups: Sequence[int], coverage: float) -> list[Finding]:
    """List what the sizes of classes do not allow; `groups` (n,) are what is left out together."""
    members: dict[str, list[int]] = defaultdict(list)
    for names, group in zip(labels, groups, strict=True):
        for label in names:
            members[label].append(int(group))
    found = []
    if len(members) < 2:
        found.append(
            Finding(
                "one class only",
                "error",
                tuple(members),
                f"There {'is one class' if members else 'are no classes'}; telling apart needs at least two.",
                "Add pictures of something else, for example of everything that is not it.",
            )
        )
    single = [label for label, inside in members.items() if len(set(inside)) < 2]
    if single:
        found.append(
            Finding(
                "class inside one group",
                "warning",
                tuple(sorted(single)),
                say_how_many(len(single), "class was", "classes were")
                + " taken in one go: how well it is told cannot be estimated.",
                "Add pictures taken at another time or place.",
            )
        )
    least = least_for(coverage)
    few = sorted((len(set(inside)), label) for label, inside in members.items() if len(set(inside)) < least)
    if few:
        found.append(
            Finding(
                "too few to promise",
                "note",
                tuple(f"{label}: {n} independent groups" for n, label in few),
                say_how_many(len(few), "class has", "classes have")
                + f" fewer than {least} independent groups, too few to promise {coverage:.0%} each.",
                "They borrow the promise of all classes together. Add pictures taken at other times.",
                float(least),
            )
        )
    return found + _find_imbalance({label: len(inside) for label, inside in members.items()})


def _find_imbalance(sizes: dict[str, int]) -> list[Finding]:
    if len(sizes) < 2 or max(sizes.values()) <= DWARFED * min(sizes.values()):
        return []
    large, small = max(sizes, key=lambda k: sizes[k]), min(sizes, key=lambda k: sizes[k])
    return [
        Finding(
            "imbalance",
            "note",
            (f"{large}: {sizes[large]}", f"{small}: {sizes[small]}"),
            f"{large} has {sizes[large]} pictures, {small} only {sizes[small]}.",
            "If both are equally frequent where you use it, teach with --priors equal.",
            sizes[large] / sizes[small],
        )
    ]

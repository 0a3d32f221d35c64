"""Where an inspector may work: what is promised, what is measured on left-out good parts, and what is found."""

import numpy as np
import pytest

from foveal.core.errors import InputError
from foveal.recognizers.oddness import tail_p_value
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.operating import list_operating_points, set_false_alarms
from foveal.workflows.part import teach_part
from tests.inspection.parts import write_parts


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    root = tmp_path_factory.mktemp("operating")
    write_parts(root / "good", range(40))
    write_parts(root / "bad", range(900, 906), defect=True)
    teach_part(root / "good", bad=root / "bad", workspace=root / "part")
    return root / "part"


def test_each_good_part_is_judged_among_the_others(part):
    """Against the plain way: every left-out score against all the other left-out scores."""
    points = list_operating_points(part)
    scores = open_part(part).inspector.left_out
    plain = np.array([tail_p_value(np.sort(np.delete(scores, i)), scores[i]) for i in range(len(scores))])
    assert points["good"] == 40 and points["defects"] == 6
    for point in points["points"]:
        assert point["measured"] == pytest.approx((plain <= point["promised"]).mean())
        assert point["promised"] >= 1 / 41
    found = [point["found"] for point in points["points"]]
    assert found == sorted(found) and found[-1] > 0.5


def test_another_rate_is_promised_from_then_on(part):
    set_false_alarms(part, 0.1)
    assert list_operating_points(part)["false_alarms"] == 0.1 and open_part(part).inspector.false_alarms == 0.1
    with pytest.raises(InputError):
        set_false_alarms(part, 0.7)

"""Which stages are paired when nobody says."""

import pytest

from kdexplorer.distillation.pairing import pair_with_itself, propose_pairs


def maps(*sides, first="stage"):
    return {f"{first}{index}": (8, side, side) for index, side in enumerate(sides, 1)}


def names(pairs):
    return [(pair.student, pair.teacher) for pair in pairs]


def test_equal_names_are_paired_by_name():
    stages = maps(32, 16, 8)
    assert names(propose_pairs(stages, stages, "all")) == [(name, name) for name in stages]
    student = {"shallow": (8, 9, 9), "deep": (8, 9, 9)}
    teacher = {"shallow": (8, 9, 9), "middle": (8, 9, 9), "deep": (8, 9, 9)}
    assert names(propose_pairs(student, teacher, "all")) == [("shallow", "shallow"), ("deep", "deep")]


def test_a_name_counts_only_near_its_resolution():
    student, teacher = maps(32, 16, 8), maps(128, 64, 32, 16, 8)
    assert names(propose_pairs(student, teacher, "all")) == [
        ("stage1", "stage3"), ("stage2", "stage4"), ("stage3", "stage5"),
    ]  # fmt: skip


def test_the_deeper_network_may_be_the_student():
    student, teacher = maps(32, 16, 8, 4, first="a"), maps(16, 4, first="b")
    assert names(propose_pairs(student, teacher, "all")) == [("a2", "b1"), ("a4", "b2")]


def test_equal_resolutions_are_paired_by_relative_depth():
    student, teacher = maps(9, 9, 9, first="a"), maps(9, 9, 9, 9, 9, first="b")
    assert names(propose_pairs(student, teacher, "all")) == [("a1", "b1"), ("a2", "b3"), ("a3", "b5")]
    assert names(propose_pairs(maps(9, first="a"), teacher, "all")) == [("a1", "b5")]


def test_tokens_count_as_the_square_they_cover():
    student, teacher = maps(16, 8, 4, first="a"), {"block1": (64, 32), "block2": (64, 32)}
    found = names(propose_pairs(student, teacher, "all"))
    assert [pair for pair in found if pair[0] == "a2"]
    assert names(propose_pairs({"a": (7,)}, {"b": (64, 32)}, "all")) == [("a", "b")]


@pytest.mark.parametrize(
    ("which", "expected"),
    [("none", []), ("last", [("a3", "b5")]), ("middle", [("a2", "b3")])],
)
def test_a_method_may_want_some_of_them(which, expected):
    student, teacher = maps(9, 9, 9, first="a"), maps(9, 9, 9, 9, 9, first="b")
    assert names(propose_pairs(student, teacher, which)) == expected


def test_pairs_never_cross_and_never_repeat():
    student, teacher = maps(8, 32, 8, first="a"), maps(32, 8, 32, 8, 16, first="b")
    found = names(propose_pairs(student, teacher, "all"))
    assert [pair[0] for pair in found] == list(student)
    assert sorted({pair[1] for pair in found}) == [pair[1] for pair in found]


def test_deep_layers_teach_shallow_ones():
    assert names(pair_with_itself(["a", "b", "c"], "all")) == [("a", "c"), ("b", "c")]
    assert names(pair_with_itself(["a", "b", "c"], "last")) == [("b", "c")]
    assert pair_with_itself(["a"], "all") == ()

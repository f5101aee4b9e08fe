"""Who teaches: the student's own average, its deeper layers, its peers, a finished run, several networks."""

import pytest
import torch
from safetensors.torch import load_file
from test_fit import same_bits, small_cnn, students, tiny

from kdexplorer import RunConfig, fit
from kdexplorer.catalog import check_config
from kdexplorer.commands import Stop
from kdexplorer.config import with_values
from kdexplorer.distillation import soft_target_loss
from kdexplorer.models.build import build_network
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.runs.limits import PUBLIC_SPACE
from kdexplorer.training import ScriptedControl
from kdexplorer.training.session import Session
from kdexplorer.training.teachers import View, mean_view

SOFT = {"method": "soft_targets"}
SELF = [{"method": "hint", "teacher": "self"}]
MUTUAL = [
    {"name": "anna", "terms": [{**SOFT, "teacher": "peers"}]},
    {"name": "ben", "terms": [{**SOFT, "teacher": "peers"}], "own_start": True},
]
WIDE = {"id": "mlp", "params": {"width": 16, "depth": 1}}


def loss_of(session, variant, term, step=0):
    session.cohort.train_step(step, 6)
    return session.cohort.read_losses(6)[variant][term].value


def finished(config, folder=None, **changes):
    events = list(fit(config, folder=folder, **changes))
    assert events[-1].kind == "finished", events[-1]
    return events


@pytest.mark.parametrize(
    ("variants", "student"),
    [
        ([{"terms": SELF}], {}),
        ([{"terms": [{**SOFT, "teacher": "ema"}]}], {}),
        (MUTUAL, {}),
        ([{"terms": [{**SOFT, "teacher": "variant:control"}], "own_start": True}], {}),
    ],
    ids=["self", "ema", "peers", "variant"],
)
def test_without_any_teacher_network_a_run_trains_and_resumes_bit_for_bit(tmp_path, variants, student):
    config = small_cnn(teacher=None, variants=variants)
    check_config(config)
    events = finished(config, tmp_path / "plain")
    assert events[0].teacher is None
    list(fit(config, ScriptedControl({5: [Stop()]}), folder=tmp_path / "cut"))
    finished(config, tmp_path / "cut", checkpoint=tmp_path / "cut" / "checkpoints" / "00000004")
    assert same_bits(tmp_path / "plain", tmp_path / "cut")


def test_peers_leave_the_control_alone(tmp_path):
    finished(small_cnn(teacher=None, variants=MUTUAL), tmp_path / "both")
    finished(small_cnn(teacher=None, variants=[]), tmp_path / "alone")
    both, alone = students(tmp_path / "both"), students(tmp_path / "alone")
    assert all(torch.equal(both["control"][k], alone["control"][k]) for k in alone["control"])


def test_peers_see_what_the_others_were_before_the_step():
    session = Session(small_cnn(teacher=None, variants=MUTUAL), None, None)
    anna, ben, control = session.cohort.students
    names = dict(anna.module.named_parameters())
    assert any(not torch.equal(names[k], v) for k, v in ben.module.named_parameters())
    assert all(torch.equal(names[k], v) for k, v in control.module.named_parameters())
    images = session.task.batch(0).input
    a, b = (student.module(images).detach() for student in (anna, ben))
    session = Session(
        small_cnn(teacher=None, variants=MUTUAL), None, None
    )  # whose BatchNorm has seen nothing
    session.cohort.train_step(0, 6)
    found = session.cohort.read_losses(6)
    assert found["anna"]["soft_targets"].value == pytest.approx(float(soft_target_loss(a, b, 4.0)), rel=1e-5)
    assert found["ben"]["soft_targets"].value == pytest.approx(float(soft_target_loss(b, a, 4.0)), rel=1e-5)


def test_the_average_begins_as_the_student_and_follows_it(tmp_path):
    config = small_cnn(teacher=None, variants=[{"terms": [{**SOFT, "teacher": "ema"}], "ema_decay": 0.5}])
    session = Session(config, tmp_path, None)
    student = session.cohort.students[0]
    start = [p.clone() for p in student.module.parameters()]
    assert all(torch.equal(*pair) for pair in zip(start, student.average.module.parameters(), strict=True))
    session.cohort.train_step(0, 6)
    triples = zip(start, student.module.parameters(), student.average.module.parameters(), strict=True)
    for before, now, average in triples:
        assert torch.allclose(average, 0.1 * before + 0.9 * now, atol=1e-6)
        assert not average.requires_grad
    list(session.checkpoint())
    saved = load_file(tmp_path / "checkpoints" / "00000000" / "state.safetensors")
    assert any(key.startswith("distilled/average/") for key in saved)


def test_deep_layers_teach_shallow_ones_and_do_not_move_for_it():
    config = small_cnn(teacher=None, variants=[{"task_weight": 0, "terms": SELF}])
    session = Session(config, None, None)
    student = session.cohort.students[0]
    ((pair,),) = [term.layers for term in student.objective.terms]
    stages = student.network.stages
    assert (pair.student, pair.teacher) == (stages["stage1"], stages["stage3"])
    before = {k: v.clone() for k, v in student.module.named_parameters()}
    session.cohort.train_step(0, 6)
    moved = {k for k, v in student.module.named_parameters() if not torch.equal(before[k], v)}
    assert moved
    assert not any(name.startswith((stages["stage2"], stages["stage3"])) for name in moved)


def test_a_finished_runs_student_teaches_the_next_generation(tmp_path, monkeypatch):
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    finished(tiny(student=WIDE), tmp_path / "runs" / "first-run")
    config = tiny(student=WIDE, teacher={**WIDE, "weights": "run:first-run/control"})
    session = Session(config, None, None)
    parent = load_file(tmp_path / "runs" / "first-run" / "students" / "control.safetensors")
    assert all(torch.equal(parent[k], v) for k, v in session.teacher.module.state_dict().items())
    events = finished(config)
    assert "run:first-run/control" in " ".join(events[0].notes)


def several(**changes) -> RunConfig:
    return tiny(teachers={"wide": {**WIDE, "weight": 3}}, **changes)


def test_a_term_chooses_its_teacher():
    terms = [
        {**SOFT, "name": "first"},
        {**SOFT, "name": "second", "teacher": "wide"},
        {**SOFT, "teacher": "mean"},
    ]
    session = Session(several(**{"variants.0.terms": terms}), None, None)
    batch = session.task.batch(0)
    wide = build_network(several().teachers["wide"], session.task.io, seed=0).module.eval()
    with torch.no_grad():
        seen, first, second = (
            m(batch.input) for m in (session.cohort.students[0].module, session.teacher.module, wide)
        )
    session.cohort.train_step(0, 3)
    found = session.cohort.read_losses(3)["distilled"]
    for term, lesson in (("first", first), ("second", second), ("soft_targets", (first + 3 * second) / 4)):
        assert found[term].value == pytest.approx(float(soft_target_loss(seen, lesson, 4.0)), rel=1e-4)


def test_notes_say_whose_weights_are_random():
    notes = " ".join(Session(several(), None, None).notes)
    assert "The teacher has random weights" in notes
    assert "The teacher wide has random weights" in notes


def test_the_mean_is_weighted():
    views = [View(torch.tensor([1.0])), View(torch.tensor([3.0]))]
    assert mean_view(views, [1, 3]).output == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants.0.terms.0.teacher": "nobody"}, "there is no teacher 'nobody'"),
        ({"variants.0.terms.0.teacher": "peers"}, "add a second variant"),
        ({"variants.0.terms.0.teacher": "mean"}, "needs at least two"),
        ({"variants.0.terms.0.teacher": "variant:distilled"}, "no other variant is called 'distilled'"),
        ({"teachers": {"ema": {"id": "mlp"}}}, "cannot be called 'ema'"),
        ({"teachers": {f"t{i}": {"id": "mlp"} for i in range(5)}}, "at most 4"),
        ({"teacher": None}, "need a teacher"),
        ({"variants.0.ema_decay": 1}, "ema_decay"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(changes, message):
    with pytest.raises(ConfigError, match=message):
        tiny(**changes)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ({**SOFT, "teacher": "self"}, "choose a method that compares layers"),
        ({"method": "hint", "teacher": "mean"}, "name one teacher"),
        ({"method": "grad_cam_alignment", "teacher": "self"}, "looks into its teacher"),
    ],
)
def test_a_method_that_does_not_fit_its_teacher_is_refused(term, message):
    config = small_cnn(**{"variants.0.terms": [term]}, teachers={"wide": {"id": "tiny_cnn"}})
    last = list(fit(config))[-1]
    assert last.kind == "failed"
    assert message in last.reason


def test_further_teachers_are_held_against_registries_and_limits():
    with pytest.raises(ConfigError, match=r"teachers.wide.weights: there is no bundled teacher"):
        check_config(tiny(teachers={"wide": {**WIDE, "weights": "bundled:nothing"}}))
    with pytest.raises(ConfigError, match=r"teachers.wide.weights: files of this machine are closed"):
        PUBLIC_SPACE.check(tiny(teachers={"wide": {**WIDE, "weights": "file:/etc/passwd"}}))


@pytest.mark.parametrize(
    "id", ["self_distillation", "moving_average", "born_again", "mutual_learning", "several_teachers"]
)
def test_presets_of_teachers_train(id):
    tiny_run = {"training.steps": 2, "training.batch_size": 4, "data.held_out": 4, "training.threads": 1}
    events = finished(with_values(preset_config(id), tiny_run))
    learnt = [variant.name for variant in preset_config(id).variants]
    evaluated = [event for event in events if event.kind == "evaluated"]
    assert [verdict.variant for verdict in evaluated[-1].verdicts] == learnt

"""What a preview says of where networks look."""

import json

import torch
from test_fit import small_cnn, tiny

from kdexplorer.training.preview import make_preview, save_preview
from kdexplorer.training.session import Session


def test_a_pair_with_maps_gets_grad_cam_and_scores_against_the_teacher():
    session = Session(small_cnn(), None, None)
    shown = make_preview(session.cohort, session.task, 0)
    attribution = json.loads(json.dumps(shown["attribution"]))
    assert attribution["algorithm"] == "grad_cam"
    assert [panel["role"] for panel in attribution["panels"]] == ["input", "control", "variant", "teacher"]
    assert set(attribution["alignment"]) == {"control", "distilled"}
    assert (
        attribution["alignment"]["control"] == attribution["alignment"]["distilled"]
    )  # twins before the first step
    for student in session.cohort.students:
        assert student.module.training
        assert not any(m._forward_hooks for m in student.module.modules())


def test_a_pair_without_maps_gets_an_attribution_of_pixels():
    shown = make_preview(*((s := Session(tiny(), None, None)).cohort, s.task), 0)
    assert shown["attribution"]["algorithm"] == "input_gradient"
    images = [panel["image"] for panel in shown["attribution"]["panels"][1:]]
    assert len(set(images)) > 1


def test_shapes_say_how_much_lies_inside_the_object():
    config = small_cnn(data={"source": {"id": "shapes"}, "held_out": 20})
    session = Session(config, None, None)
    alignment = make_preview(session.cohort, session.task, 0)["attribution"]["alignment"]
    assert 0 <= alignment["distilled"]["inside"] <= 1
    assert "inside" in alignment["teacher"]


def test_a_preview_does_not_change_the_run():
    with_preview, without = Session(small_cnn(), None, None), Session(small_cnn(), None, None)
    for step in range(3):
        make_preview(with_preview.cohort, with_preview.task, step)
        for session in (with_preview, without):
            session.cohort.train_step(step, 6)
    a, b = (s.cohort.students[0].module.state_dict() for s in (with_preview, without))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_old_previews_are_thinned(tmp_path):
    for step in range(100):
        save_preview(tmp_path, {"step": step, "logits": {"labels": []}, "scores": {}})
    kept = sorted(int(path.stem) for path in (tmp_path / "previews").glob("????????.json"))
    assert len(list((tmp_path / "previews").iterdir())) == 3 * len(kept)
    assert len(kept) <= 60
    assert kept[0] == 0
    assert kept[-1] == 99


def test_the_heavy_parts_are_files_of_their_own(tmp_path):
    session = Session(tiny(), None, None)
    session.evaluator.evaluate(0)
    known = session.evaluator.found_at(0)
    assert set(known) == {"control", "distilled", "teacher"}
    assert session.evaluator.found_at(1) == {}
    shown = make_preview(session.cohort, session.task, 0, known)
    afresh = make_preview(session.cohort, session.task, 0)
    assert shown["scores"]["confusion"] == afresh["scores"]["confusion"]
    name = save_preview(tmp_path, shown)
    light = json.loads((tmp_path / name).read_text())
    assert set(light) == {"step", "kind", "convention", "classes", "excluded", "items", "attribution"}
    assert json.loads((tmp_path / "previews" / "00000000.scores.json").read_text()) == shown["scores"]

"""What the repository promises besides its code: two commands, a Space, no lock file."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_a_space_installs_what_the_project_needs():
    space = set((ROOT / "requirements.txt").read_text().split())
    assert space == {*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["timm"]}


def test_the_front_matter_makes_a_space():
    front = dict(re.findall(r"^(\w+): *(.*)$", README.split("---")[1], re.MULTILINE))
    assert front["sdk"] == "gradio"
    assert (ROOT / front["app_file"]).exists()
    assert len(front["short_description"]) <= 60
    floor = next(d for d in PROJECT["dependencies"] if d.startswith("gradio"))
    assert front["sdk_version"].startswith(floor.removeprefix("gradio>="))


def test_ci_runs_the_commands_of_the_readme():
    assert "pip install uv && uv run app.py" in README
    assert "pip install uv && uv run pytest" in README
    assert "pip install uv && uv run pytest" in (ROOT / ".ci" / "run").read_text()


def test_the_readme_points_at_files_that_are_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_bundled_teachers_are_small_and_each_has_its_card_and_recipe():
    teachers = sorted((ROOT / "assets" / "teachers").glob("*.safetensors"))
    assert [path.stem for path in teachers] == [
        "ct_metal",
        "deblur",
        "dehaze",
        "denoise",
        "derain",
        "digits",
        "digits_mlp",
        "shapes",
        "sharpen",
        "sharpen_rcan",
        "sharpen_swinir",
    ]
    for path in teachers:
        assert path.stat().st_size < 3_000_000
        card = path.with_suffix(".md").read_text(encoding="utf-8")
        assert f"--preset teacher_{path.stem}" in card
        assert (ROOT / "kdexplorer" / "presets" / f"teacher_{path.stem}.json").exists()


def test_nothing_is_committed_that_must_not_be():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = listed.stdout.split("\n") if listed.returncode == 0 else []
    assert not [f for f in files if f.endswith((".lock", ".pth", ".pt", ".pkl", ".log"))]

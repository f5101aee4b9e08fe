"""The inspector as a real process: it answers, survives bad questions, and is started anew when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kdexplorer import fit
from kdexplorer.config import RunConfig
from kdexplorer.events import RunFinished
from kdexplorer.params import ConfigError
from kdexplorer.runs.inspection_client import Busy, InspectionClient
from kdexplorer.runs.inspector import KEPT, Inspector
from kdexplorer.runs.limits import LOCAL, Limits

SECONDS = 120.0
CONFIG: dict[str, Any] = {
    "task": "classification",
    "data": {"source": {"id": "digits"}, "held_out": 8},
    "student": {"id": "tiny_cnn", "params": {"width": 4}},
    "training": {"steps": 2, "batch_size": 4, "device": "cpu", "threads": 1},
}
LOOK: dict[str, Any] = {"step": 2, "image": 0, "algorithm": None, "layer": {}, "target": "label"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished run, `someruns`."""
    folder: Path = tmp_path_factory.mktemp("home")
    run = folder / "runs" / "someruns"
    run.mkdir(parents=True)
    assert isinstance(list(fit(RunConfig.from_dict(CONFIG), folder=run))[-1], RunFinished)
    return folder


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[InspectionClient]:
    opened = InspectionClient(home)
    opened.warm()
    yield opened
    opened.close()


def pid_of(client: InspectionClient) -> int:
    assert client._process is not None
    return client._process.process.pid


def look(client: InspectionClient, **changes: Any) -> Any:
    question: dict[str, Any] = {**LOOK, **changes}
    return client.ask("attribute", SECONDS, run="someruns", config=CONFIG, **question)


def test_it_answers_and_a_bad_question_ends_nothing(client: InspectionClient, home: Path) -> None:
    assert [panel["role"] for panel in look(client)["panels"]] == ["input", "control"]
    pid = pid_of(client)
    bad: list[tuple[dict[str, Any], str]] = [
        ({"image": 99}, "choose one from 0 to 7"),
        ({"step": 1}, "gone or damaged"),
        ({"layer": {"student": "attic"}}, "no layer 'attic'"),
        ({"image": None}, "inspector.log"),
    ]
    for changes, words in bad:
        with pytest.raises(ConfigError, match=words):
            look(client, **changes)
    with pytest.raises(ConfigError, match="inspector.log"):
        client.ask("explode", SECONDS)
    assert "explode" in (home / "inspector.log").read_text()
    assert pid_of(client) == pid
    if sys.platform != "win32":
        assert psutil.Process(pid).nice() > 0


def test_killed_it_says_so_and_starts_anew(client: InspectionClient) -> None:
    look(client)
    pid = pid_of(client)
    holder = threading.Timer(0.05, os.kill, (pid, signal.SIGKILL))
    os.kill(pid, signal.SIGSTOP)  # so that the question finds it alive
    holder.start()
    with pytest.raises(ConfigError, match="has ended"):
        look(client)
    holder.join()
    assert look(client)["panels"]
    assert pid_of(client) != pid


def test_what_takes_too_long_is_given_up_and_others_go_on(client: InspectionClient) -> None:
    look(client)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ConfigError, match=r"longer than 0\.2 s"):
        client.ask("facts", 0.2, run="someruns", config=CONFIG)
    assert not psutil.pid_exists(pid)
    assert look(client)["panels"]


def test_while_it_loads_it_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdexplorer.runs.inspection_client.LOADING_SECONDS", 0.1)
    loading = InspectionClient(home)
    try:
        with pytest.raises(ConfigError, match="still loading"):
            look(loading)
        assert psutil.pid_exists(pid_of(loading))
    finally:
        loading.close()


def test_an_answer_that_stays_true_is_kept(client: InspectionClient) -> None:
    question: dict[str, Any] = {"run": "someruns", "config": CONFIG, **LOOK}
    first = client.ask("attribute", SECONDS, keep=True, **question)
    os.kill(pid_of(client), signal.SIGSTOP)
    try:
        assert client.ask("attribute", 0.2, keep=True, **question) == first
    finally:
        os.kill(pid_of(client), signal.SIGCONT)


def test_one_question_at_a_time_and_not_too_many_wait(client: InspectionClient) -> None:
    look(client)
    os.kill(pid_of(client), signal.SIGSTOP)
    said: list[str] = []

    def ask() -> None:
        try:
            client.ask("facts", 1.5, run="someruns", config=CONFIG)
        except ConfigError as error:
            said.append(str(error))

    askers = [threading.Thread(target=ask) for _ in range(12)]
    for asker in askers:
        asker.start()
    os.kill(pid_of(client), signal.SIGCONT)
    for asker in askers:
        asker.join()
    assert sum("Many are asking" in words for words in said) >= 1
    assert look(client)["panels"]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a measurement can be told nothing here")
def test_a_measurement_gives_way_to_a_look(client: InspectionClient) -> None:
    look(client)
    large = {**CONFIG, "training": {**CONFIG["training"], "steps": 500, "batch_size": 256}}
    large["student"] = {"id": "tiny_cnn", "params": {"width": 64}}
    question = {"config": large, "limits": LOCAL.model_dump(mode="json")}
    said: list[str] = []

    def measure() -> None:
        try:
            said.append(str(client.ask("measure", SECONDS, **question)))
        except Busy as busy:
            said.append(str(busy))

    measuring = threading.Thread(target=measure)
    measuring.start()
    assert client._process is not None
    while client._process._doing != "measure":
        time.sleep(0.01)
    assert look(client)["panels"]
    measuring.join()
    assert "measured again" in said[0]

    measuring = threading.Thread(target=measure)
    measuring.start()
    while client._process._doing != "measure":
        time.sleep(0.01)
    client.give_way()  # as when a run begins
    measuring.join()
    assert "measured again" in said[1]
    small = {**question, "config": CONFIG}
    assert client.ask("measure", SECONDS, **small)["step"] > 0  # alone it goes on to its end


def test_it_ends_when_its_server_ends(home: Path) -> None:
    """A server that is killed closes nothing itself: the system closes its pipe."""
    code = (
        "import sys; from pathlib import Path; from kdexplorer.runs.inspection_client import InspectionClient;"
        f"c = InspectionClient(Path({str(home)!r})); c.warm(); print(c._process.process.pid, flush=True);"
        "sys.stdin.read()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server.stdin, server.stdout:
        inspector = psutil.Process(int(server.stdout.readline()))
        server.kill()
        server.wait()
        gone, alive = psutil.wait_procs([inspector], timeout=SECONDS)
    assert [process.pid for process in gone] == [inspector.pid]
    assert alive == []


def test_few_runs_stay_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = Inspector(home)
    for number in range(KEPT + 2):
        assert "images" in inspector.answer({"op": "facts", "run": f"run-{number}", "config": CONFIG})
    assert list(inspector._opened) == [f"run-{number}" for number in range(2, KEPT + 2)]
    monkeypatch.setattr("kdexplorer.runs.inspector.MAX_BYTES", 0)
    inspector.answer({"op": "facts", "run": "run-9", "config": CONFIG})
    assert list(inspector._opened) == ["run-9"]


def test_a_network_beyond_the_limits_is_never_built(home: Path, digits: Callable[..., RunConfig]) -> None:
    inspector = Inspector(home)
    question = {"op": "measure", "config": CONFIG, "limits": Limits(max_parameters=10).model_dump()}
    assert "more than the 10 allowed" in inspector.answer(question)["error"]
    assert inspector.answer({**question, "limits": LOCAL.model_dump()})["step"] > 0

"""What goes wrong in the world, done for real: killed workers, signals, memory, sleep, disks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.config.reading import parse_config
from experiments.engine import runner
from experiments.studies import plan_of
from tests.experiments.engine.test_runner import config, is_running, odd, wait_for

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[3]
CAVI = 'name = "cavi"\nstarts = 3\ndraws = 500'


def study(*methods, run=""):
    return config(CAVI, *methods, run=run)


def run(text, folder):
    record = runner.run(plan_of(parse_config(text)), folder=folder, workers=2, progress=False)
    return {cell.cell.method: cell for cell in record.problems[0].cells}


def start(text, folder, **options):
    """Start the run as a command, in a group of its own."""
    (folder / "trial.toml").write_text(text)
    command = [sys.executable, "-m", "experiments.commands.cli", "run", str(folder / "trial.toml")]
    return subprocess.Popen(
        [*command, "--output", str(folder / "out"), "--workers", "2"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def test_a_killed_worker_costs_its_cell_one_retry(tmp_path):
    log = tmp_path / "calls"
    cells = run(study(odd("killed_once", log=str(log))), tmp_path / "out")
    assert log.read_text() == "called\n" * 2
    assert [cells[name].status for name in ("cavi", "killed_once")] == ["ok", "ok"]
    assert cells["killed_once"].verdict is not None


def test_one_that_is_killed_again_is_recorded_and_blames_nothing(tmp_path):
    cells = run(study(odd("killed", log=str(tmp_path / "calls"))), tmp_path / "out")
    assert (tmp_path / "calls").read_text() == "called\n" * 2
    assert cells["killed"].status == "crashed"
    assert cells["killed"].message == "its worker process was ended by SIGKILL; so it went 2 times"
    assert cells["cavi"].status == "ok" and cells["cavi"].verdict is not None


def test_a_cell_that_takes_too_much_memory_is_stopped_at_its_limit(tmp_path):
    cells = run(study(odd("greedy"), run="memory_limit = 0.5"), tmp_path / "out")
    assert cells["greedy"].status == "crashed"
    assert "memory limit of 512 MiB: it held" in cells["greedy"].message
    assert cells["cavi"].status == "ok"


def test_a_hung_cell_is_ended_with_its_whole_process_tree(tmp_path):
    note = tmp_path / "pids"
    cells = run(study(odd("hang_with_child", log=str(note)), run="time_limit = 20"), tmp_path / "out")
    assert cells["hang_with_child"].status == "timed_out"
    wait_for(lambda: not any(is_running(int(pid)) for pid in note.read_text().split()))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_run_and_what_is_done_is_kept(tmp_path, number, code):
    note = tmp_path / "pids"
    process = start(study(odd("hang_with_child", log=str(note))), tmp_path)
    done, folder = [], tmp_path / "out" / "trial"
    while not any(line.startswith("[1/") and " done " in line for line in done):
        done.append(process.stderr.readline())
    assert statuses(folder)["cavi"] == "ok"  # stored before it is said
    wait_for(note.exists)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "what is done is kept in" in said and "Traceback" not in said
    assert ("interrupted by SIG" in said) == (number != signal.SIGINT)
    wait_for(lambda: not any(is_running(int(pid)) for pid in note.read_text().split()))
    assert statuses(folder) == {"cavi": "ok", "hang_with_child": "missing"}


def test_what_was_said_to_be_done_survives_a_sigkill(tmp_path):
    process = start(study(odd("hang")), tmp_path)
    for line in process.stderr:
        if " done " in line:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=60)
    assert statuses(tmp_path / "out" / "trial")["cavi"] == "ok"


def test_a_machine_that_sleeps_costs_no_cell(tmp_path):
    """Stopped, workers and all, for longer than the time limit."""
    note = tmp_path / "calls"
    process = start(study(odd("fine", log=str(note), wait=4.0), run="time_limit = 15"), tmp_path)
    wait_for(note.exists)
    family = [
        process.pid,
        *map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()),
    ]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(17)
    for pid in family:
        os.kill(pid, signal.SIGCONT)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said


@pytest.fixture
def mounted(tmp_path):
    """Mount a file system of some MB, where that is allowed."""
    places = []

    def mount(*arguments):
        place = tmp_path / "disk"
        place.mkdir()
        try:
            allowed = subprocess.run(["mount", *arguments, str(place)], capture_output=True).returncode == 0
        except OSError:
            allowed = False
        if not allowed:
            pytest.skip("mounting is not allowed here")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_a_sentence_and_with_room_the_run_goes_on(mounted, tmp_path):
    disk = mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs")
    large = study(odd("fine", draws=500)).replace("draws = 500\n", "draws = 30000\n", 1)  # 1.2 MB
    (disk / "filler").write_bytes(b"x" * 3_000_000)
    process = start(large, disk)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 2, said
    assert "the disk is full" in said and "Traceback" not in said
    folder = disk / "out" / "trial"
    assert not list(folder.rglob("*.part"))
    assert statuses(folder)["cavi"] == "missing"
    (disk / "filler").unlink()
    cells = run(large, folder)
    assert [cell.status for cell in cells.values()] == ["ok", "ok"]


def test_a_disk_that_turns_read_only_is_a_sentence(mounted, tmp_path):
    image, note = tmp_path / "image", tmp_path / "calls"
    image.write_bytes(b"")
    os.truncate(image, 16 << 20)
    try:
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be made here")
    disk = mounted("-o", "loop", str(image))
    process = start(study(odd("fine", log=str(note), wait=10.0)), disk)
    wait_for(note.exists)
    wait_for(lambda: statuses(disk / "out" / "trial").get("cavi") == "ok")
    # what the system does when a disk gives errors
    subprocess.run(["mount", "-o", "remount,abort", str(disk)], check=True)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    assert "its file system is read-only" in said or "the disk gives an error" in said


def test_a_file_that_may_not_grow_is_a_sentence(tmp_path):
    """As of a quota: the system refuses what is beyond 200 kB."""
    import resource

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    large = study().replace("draws = 500\n", "draws = 60000\n", 1)
    process = start(large, tmp_path, preexec_fn=limit)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 2, said
    assert "beyond the size that is allowed" in said and "Traceback" not in said


def statuses(folder):
    try:
        record = runner.load(folder)
    except ValueError:  # not begun
        return {}
    return {cell.cell.method: cell.status for cell in record.problems[0].cells}

# SPDX-License-Identifier: MIT
"""preforkctl: what it shows, what it can change, and who may."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import termios

import pytest

from harness import ledger
from harness.server import PREFORKD, Server, children
from harness.wait import PATIENCE_S, for_exit, until

pytestmark = pytest.mark.core  # the life of a server is each model's own

PREFORKCTL = os.path.join(os.path.dirname(PREFORKD), "preforkctl")


class Ctl:
    def __init__(self, path):
        self.path = path

    def run(self, *words):
        return subprocess.run([PREFORKCTL, "-s", str(self.path), *words], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def ok(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done
        return done.stdout

    def status(self):
        return json.loads(self.ok("--json", "status"))

    def service(self):
        """The one that serves."""
        found = [s for s in self.status()["services"] if s["state"] == "serving"]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def ctl(tmp_path):
    return Ctl(tmp_path / "control")


@pytest.fixture
def served(start, folder, model, ctl):
    (folder / "a").write_bytes(b"a" * 1024)
    return start("drive", "--model", model, "--workers", "2..4", "--control", ctl.path, folder)


def test_status_counts_what_was_done(served, ctl):
    for _ in range(5):
        assert served.ask("GET", "/a").status == 200

    def counted():
        s = ctl.service()
        return s["requests_total"] == 5 and s["connections_total"] == 5 and s["bytes_out_total"] > 5 * 1024
    until(counted, "five requests are counted")
    table = ctl.ok("status")
    assert re.search(r"^SERVICE +MODEL", table, re.M) and f":{served.port}" in table
    assert re.search(rf"^drive +{ctl.service()['model']} +serving", table, re.M)


def test_counters_survive_reloads_and_deaths(served, ctl):
    for _ in range(3):
        assert served.ask("GET", "/a").status == 200
    ctl.ok("reload")
    served.kill_worker(served.workers()[-1])
    until(lambda: ctl.service()["deaths_total"] == 1, "the death is counted")
    until(lambda: len(ctl.status()["services"]) == 1, "the old generation has gone")
    assert ctl.service()["requests_total"] == 3


def test_metrics_are_openmetrics(served, ctl):
    assert served.ask("GET", "/a").status == 200
    until(lambda: ctl.service()["requests_total"] == 1, "it is counted")
    lines = ctl.ok("metrics").splitlines()
    assert lines[-1] == "# EOF"
    assert 'preforkd_requests_total{service="drive"} 1' in lines
    families = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert len(families) == len(set(families))
    manual = open(os.path.join(os.path.dirname(__file__), "../../docs/man/preforkd.8"), encoding="utf-8").read()
    for family in families:
        assert re.search(rf"^\.It Cm {family}$", manual, re.M), f"{family} is not in preforkd(8)"
    for line in lines:
        assert re.fullmatch(r'# (TYPE|HELP|UNIT) \S+ .+|# EOF|[a-z_]+(\{service="[^"]+"\})? \d+', line), line


def test_it_answers_while_every_worker_is_busy_or_stopped(served, ctl):
    for pid in served.workers():
        os.kill(pid, signal.SIGSTOP)
    try:
        assert ctl.service()["workers_ready"] >= 1
    finally:
        for pid in served.workers():
            os.kill(pid, signal.SIGCONT)


def test_resize_under_load_loses_nothing(served, ctl, model):
    with ledger.Load(served, "-c", "8", "-t", "2s", "-T", "10s", "-p", "/a", "-E", "1024", "-1") as load:
        for range_ in ("6..8", "1..2", "3..64"):
            said = ctl.ok("resize", "drive", range_)
            assert "until the next reload" in said
        account = load.result()
    assert account["right"] > 20
    assert account["broken_before"]["all"] + account["broken_after"]["all"] + account["wrong"]["all"] == 0
    assert ctl.service()["workers_min"] == 3 and ctl.service()["workers_max"] == 64
    ctl.ok("reload")
    assert ctl.service()["workers_min"] == 2


@pytest.mark.parametrize("to", ["fork", "pool", "ring"])
def test_the_model_can_be_switched_until_the_next_reload(served, ctl, model, to):
    ctl.ok("switch-model", "drive", to)
    assert ctl.service()["model"] == to
    assert served.ask("GET", "/a").status == 200
    ctl.ok("reload")
    assert ctl.service()["model"] == model


def test_restart_makes_new_workers(served, ctl):
    before = set(served.workers())
    ctl.ok("restart", "drive")
    for pid in before:
        for_exit(pid)
    assert served.ask("GET", "/a").status == 200


def test_a_change_that_is_refused_is_in_the_log_too(served, ctl):
    done = ctl.run("switch-model", "drive", "magic")
    assert done.returncode == 1
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        second = ctl.path.with_name("second.conf")
        second.write_text(f"[preforkd]\ncontrol = {second}.sock\n[service e]\nrun = echo\nlisten = 127.0.0.1:0\nworkers = 1\n")
        with Server("-c", second, listen=None) as echo:
            second.write_text(second.read_text().replace("127.0.0.1:0", taken))
            refused = Ctl(f"{second}.sock").run("reload")
            assert refused.returncode == 1 and f"cannot listen at {taken}" in refused.stderr
            echo.wait_log(f"error sup reload-refused: cannot listen at {taken}.*; the old configuration goes on")
            second.write_text(second.read_text() + "nonsense = 1\n")
            assert Ctl(f"{second}.sock").run("reload").returncode == 1
            echo.wait_log("error sup reload-refused: .*nonsense.*; the old configuration goes on")


@pytest.mark.parametrize("words, says", [
    (["resize", "drive"], "preforkctl resize SERVICE MIN..MAX"), (["reload", "drive"], "reload is a command of one word"),
    (["dance"], 'there is no command "dance"'), (["--quick"], "there is no option --quick"), (["-s"], "-s needs"),
])
def test_a_wrong_command_line_is_told_what_is_right(words, says):
    done = subprocess.run([PREFORKCTL, *words], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1, done


def test_options_may_stand_behind_the_command(served, ctl):
    done = subprocess.run([PREFORKCTL, "status", "--json", "-s", str(ctl.path)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert json.loads(done.stdout)["pid"] == served.pid
    assert done.stdout.endswith("}\n")


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 5), (200, 60)])
def test_top_fits_the_terminal_and_ends_with_any_key(served, ctl, columns, rows):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = termios.tcgetattr(slave)
    with subprocess.Popen([PREFORKCTL, "-s", str(ctl.path), "top"], stdin=slave, stdout=slave, stderr=slave) as top:
        shown = b""
        while b"\x1b[J" not in shown:  # the end of a picture
            shown += os.read(master, 65536)
        os.write(master, b"q")
        assert top.wait(PATIENCE_S) == 0
    lines = re.sub(rb"\x1b\[[HJK]", b"", shown).split(b"\r\n")
    assert b"REQUESTS" in shown or columns < 80
    assert len(lines) <= rows and max(map(len, lines)) <= columns, lines
    assert (b"more)" in shown) == (rows == 5)
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_what_is_wrong_is_said(served, ctl):
    for words, why in ((("resize", "drive", "lots"), "lots"), (("resize", "none", "3"), "none"),
                       (("switch-model", "drive", "magic"), "magic")):
        done = ctl.run(*words)
        assert done.returncode == 1 and why in done.stderr
    assert ctl.run("dance").returncode == 2
    assert served.ask("GET", "/a").status == 200


def test_drain_ends_in_order(served, ctl):
    ctl.ok("drain")
    assert served.wait() == 0
    assert not ctl.path.exists()


def test_stop_ends_now(served, ctl):
    wire = served.connect()
    wire.send(b"GET /a HTTP/1.1\r\nHo")
    served.holder(wire)
    ctl.ok("stop")
    served.wait()
    assert not children(served.pid)


def test_the_socket_is_for_its_owner_alone(served, ctl):
    assert stat.S_IMODE(os.stat(ctl.path).st_mode) == 0o600


def test_nonsense_and_silence_do_no_harm(served, ctl):
    def dial():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE_S)
        s.connect(str(ctl.path))
        return s
    silent = [dial() for _ in range(15)]
    with dial() as s:
        s.sendall(b"x" * 4096)
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
    with dial() as s:
        s.sendall(b"\0 \xff a b c d e f g h\n")
        assert b'"ok": false' in s.recv(1000)
    with dial() as s:
        s.sendall(b"reload\n")  # and goes before the answer
    assert ctl.service()["service"] == "drive"
    for s in silent:
        s.close()


def test_the_socket_of_a_dead_server_is_replaced(start, folder, ctl):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(ctl.path))
    start("drive", "--workers", "1", "--control", ctl.path, folder)
    assert ctl.status()["ok"]


@pytest.fixture
def commoner():
    """Somebody who is not root, with a place of his own: (the words before a command, its environment, a folder)."""
    wrap = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if subprocess.run([*wrap, "test", "-x", PREFORKD]).returncode:
        pytest.skip("only root can reach the programs here")
    with tempfile.TemporaryDirectory(prefix="prefork.", dir="/tmp") as home:
        (pathlib.Path(home) / "folder").mkdir()
        for made in home, os.path.join(home, "folder"):
            os.chown(made, 65534 if wrap else -1, -1)
        yield wrap, {"XDG_RUNTIME_DIR": home}, os.path.join(home, "folder")


@pytest.mark.core
@pytest.mark.parametrize("where", ["--pidfile", "--control"])
def test_a_server_with_its_socket_elsewhere_is_found_without_options_too(start, commoner, where):
    wrap, env, folder = commoner
    runs = os.path.join(env["XDG_RUNTIME_DIR"], "preforkd")
    place = os.path.join(env["XDG_RUNTIME_DIR"], "place.pid")

    def pid(*words):
        asked = subprocess.run([*wrap, PREFORKCTL, *words, "--json"], env={**os.environ, **env}, capture_output=True, text=True,
                               timeout=PATIENCE_S)
        return json.loads(asked.stdout)["pid"]
    served = start("drive", "--workers", "1", where, place, folder, wrap=wrap, env=env)
    assert pid() == pid("-s", "drive") == served.pid
    assert pid("-s", place.replace(".pid", ".sock") if where == "--pidfile" else place) == served.pid
    served.stop()
    assert os.listdir(runs) == []


def test_a_server_goes_by_its_files_name_without_the_suffix(start, commoner):
    wrap, env, folder = commoner
    conf = os.path.join(env["XDG_RUNTIME_DIR"], "files.example.org.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("[service e]\nrun = echo\nworkers = 1\nlisten = 127.0.0.1:0\n")
    start("-c", conf, listen=None, wrap=wrap, env=env)
    assert os.listdir(os.path.join(env["XDG_RUNTIME_DIR"], "preforkd")) == ["files.example.org.sock"]


def test_what_dead_servers_left_is_swept_but_not_what_may_be_just_begun(start, commoner):
    wrap, env, folder = commoner
    runs = os.path.join(env["XDG_RUNTIME_DIR"], "preforkd")
    os.mkdir(runs)
    os.chown(runs, os.stat(folder).st_uid, -1)
    for name in "old", "new":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(os.path.join(runs, f"{name}.sock"))
        os.chown(os.path.join(runs, f"{name}.sock"), os.stat(folder).st_uid, -1)
    os.symlink("nowhere", os.path.join(runs, "link.sock"))
    for name in "old", "link":
        os.utime(os.path.join(runs, f"{name}.sock"), (0, 0), follow_symlinks=False)
    with open(os.path.join(runs, "note"), "w"):
        pass
    start("drive", "--workers", "1", folder, wrap=wrap, env=env)
    assert sorted(os.listdir(runs)) == ["drive.sock", "new.sock", "note"]


def test_a_server_that_hears_nobody_keeps_none_waiting(start, commoner):
    """A stopped one, with as many waiting already as its socket takes."""
    wrap, env, folder = commoner
    runs = os.path.join(env["XDG_RUNTIME_DIR"], "preforkd")
    deaf = os.path.join(runs, "drive.sock")
    os.mkdir(runs)
    os.chown(runs, os.stat(folder).st_uid, -1)
    with contextlib.ExitStack() as ends:
        listener = ends.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(deaf)
        listener.listen(1)
        os.chown(deaf, os.stat(folder).st_uid, -1)
        os.utime(deaf, (0, 0))
        while True:
            waiting = ends.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            if waiting.connect_ex(deaf):
                break
        served = start("drive", "--workers", "1", folder, wrap=wrap, env=env)
        assert sorted(os.listdir(runs)) == [f"drive-{served.pid}.sock", "drive.sock"]
        told = subprocess.run([*wrap, PREFORKCTL, "-s", deaf, "status"], env={**os.environ, **env}, capture_output=True, text=True,
                              timeout=PATIENCE_S)
        assert told.returncode != 0 and "hears nobody" in told.stderr


@pytest.mark.core
def test_who_is_not_root_finds_his_one_server_without_options(start, commoner):
    wrap, env, folder = commoner

    def ctl(*words):
        return subprocess.run([*wrap, PREFORKCTL, *words], env={**os.environ, **env}, capture_output=True, text=True,
                              timeout=PATIENCE_S)
    nobody = ctl("status")
    assert nobody.returncode != 0 and "no server is running" in nobody.stderr
    served = start("drive", "--workers", "1", folder, wrap=wrap, env=env)
    found = ctl("--json", "status")
    assert found.returncode == 0 and json.loads(found.stdout)["pid"] == served.pid, found
    assert stat.S_IMODE(os.stat(os.path.join(env["XDG_RUNTIME_DIR"], "preforkd")).st_mode) == 0o700
    second = start("echo", "--workers", "1", wrap=wrap, env=env)
    asked = ctl("status")
    assert asked.returncode != 0 and "there are 2 servers, say which with -s" in asked.stderr
    assert "drive" in asked.stderr and "echo" in asked.stderr
    assert json.loads(ctl("-s", "echo", "--json", "status").stdout)["pid"] == second.pid


def test_process_1_does_not_hand_over(start, folder, ctl):
    """In a container its end would be everybody's."""
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True).returncode:
        pytest.skip("no process name space can be made here")
    served = start("drive", "--workers", "1", "--control", ctl.path, folder, wrap=["unshare", "--pid", "--fork", "--kill-child"])
    assert ctl.status()["pid"] == 1
    refused = ctl.run("upgrade")
    assert refused.returncode == 1
    assert refused.stderr == ("preforkctl: this server is process 1, and its container would end with it: "
                              "start a new container\n")
    assert served.ask("GET", "/").status == 200
    ctl.ok("reload")
    ctl.ok("drain")
    assert served.wait() == 0


def test_nobody_waits_for_a_service_that_has_failed_and_a_restart_says_why(start, folder, tmp_path, ctl, model):
    if os.geteuid():
        pytest.skip("only root can make a service whose workers may not read its folder")
    conf = tmp_path / "preforkd.conf"
    secret = tmp_path / "secret"
    secret.mkdir(mode=0o700)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = s.getsockname()
    conf.write_text(f"[preforkd]\ncontrol = {ctl.path}\n[service files]\nlisten = 127.0.0.1:0\nrun = drive\nworkers = 1\n"
                    f"root = {folder}\n[service broken]\nlisten = {address[0]}:{address[1]}\nrun = drive\nworkers = 2..4\n"
                    f"root = {secret}\nuser = nobody\nmodel = {model}\n")
    served = start("-c", conf, listen=None)

    def states():
        return {s["service"]: s["state"] for s in ctl.status()["services"] if s["state"] != "leaving"}
    assert states() == {"files": "serving", "broken": "failed"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, PATIENCE_S)
    again = ctl.run("restart", "broken")
    assert again.returncode == 1 and "service broken does not start: " in again.stderr and "Permission denied" in again.stderr
    secret.parent.chmod(0o755)
    conf.write_text(conf.read_text().replace("user = nobody", ""))
    ctl.ok("reload")
    assert states() == {"files": "serving", "broken": "serving"}
    socket.create_connection(address, PATIENCE_S).close()
    assert served.ask("GET", "/").status == 200


def test_a_service_that_failed_can_be_restarted(start, folder, tmp_path, ctl):
    users = tmp_path / "users"
    users.write_text("u:$2y$05$abcdefghijklmnopqrstuuIXIsmyKKXGkPRkxCvXgVCbCEtaNjXb2\n")
    conf = tmp_path / "preforkd.conf"
    broken = tmp_path / "log"
    conf.write_text(f"[preforkd]\ncontrol = {ctl.path}\n[service files]\nlisten = 127.0.0.1:0\nrun = drive\nworkers = 1\n"
                    f"root = {folder}\n[service late]\nlisten = unix:{tmp_path}/late\nrun = echo\nworkers = 1\n")
    served = start("-c", conf, listen=None)
    assert not broken.exists()
    ctl.ok("restart", "late")
    states = {s["service"]: s["state"] for s in ctl.status()["services"] if s["state"] != "leaving"}
    assert states == {"files": "serving", "late": "serving"}
    assert served.ask("GET", "/").status == 200

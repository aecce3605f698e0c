# SPDX-License-Identifier: MIT
"""What is said on the command line and in the configuration file."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile

import pytest

from harness.server import ENV, PREFORKD
from harness.wait import PATIENCE_S, until


def run(*args, **more):
    return subprocess.run([PREFORKD, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE_S, env=ENV,
                          stdin=subprocess.DEVNULL, **more)


GOOD = """
# a comment
[service files]
listen = 127.0.0.1:0
model = {model}
workers = 2..4
run = drive
root = {folder}

[service hello]
listen = 127.0.0.1:0
workers = 2
run = echo
"""


@pytest.fixture
def conf(tmp_path, folder, model):
    path = tmp_path / "preforkd.conf"
    path.write_text(GOOD.format(folder=folder, model=model))
    return path


@pytest.mark.core
def test_a_file_with_two_services_serves_both(start, conf, folder):
    (folder / "a").write_text("a")
    server = start("-c", conf, listen=None)
    server.next_listener()
    assert sorted(line[0] for line in server.listeners) == ["files", "hello"]
    port = {line[0]: int(line[4]) for line in server.listeners}
    from harness.wire import Wire
    with Wire(("127.0.0.1", port["files"])) as wire:
        assert wire.ask("GET", "/a").body == b"a"
    with Wire(("127.0.0.1", port["hello"])) as wire:
        wire.send(b"x")
        assert wire.socket.recv(100).endswith(b": X\n")


@pytest.mark.core
def test_t_checks_and_says_nothing_about_a_good_file(conf):
    checked = run("-t", "-c", conf)
    assert checked.returncode == 0, checked


def test_what_T_prints_is_a_file_that_says_the_same(conf, tmp_path):
    printed = run("-T", "-c", conf)
    assert printed.returncode == 0
    assert "drain_timeout" in printed.stdout and "[service files]" in printed.stdout
    again = tmp_path / "again.conf"
    again.write_text(printed.stdout)
    assert run("-T", "-c", again).stdout == printed.stdout


@pytest.mark.core
@pytest.mark.parametrize("line, bad", [(3, "[service files"), (4, "listen = 127.0.0.1:99999"), (4, "listen = nonsense"),
                                       (5, "model = magic"), (6, "workers = 5..2"), (6, "workers = many"), (6, "workers = 0"),
                                       (7, "run = nothing"), (8, "rot = /x"), (8, "root = /no/such/folder"), (8, "root"),
                                       (10, "[service files]"), (10, "[sevrice hello]")])
def test_a_bad_line_is_named(conf, line, bad):
    lines = conf.read_text().splitlines()
    lines[line - 1] = bad
    conf.write_text("\n".join(lines) + "\n")

    checked, started = run("-t", "-c", conf), run("-c", conf)

    assert checked.returncode != 0 and started.returncode != 0
    assert f"{conf}:{line}: " in checked.stderr, checked.stderr
    assert checked.stderr.count("\n") == 1, "one sentence"


def test_a_file_that_is_not_there_is_said(tmp_path):
    missing = run("-c", tmp_path / "none")
    assert missing.returncode != 0 and "No such file" in missing.stderr


@pytest.mark.parametrize("args", [["drive"], ["drive", "/no/such/folder"], ["nothing", "/tmp"], ["drive", "--nothing", "/tmp"],
                                  ["drive", "--workers", "x", "/tmp"], ["drive", "--workers", "/tmp"], [],
                                  ["drive", "--model", "magic", "/tmp"], ["drive", "--listen", "127.0.0.1:http:x", "/tmp"],
                                  ["drive", "/tmp", "/var"], ["drive", "--durability", "maybe", "/tmp"],
                                  ["-c"], ["-t"], ["--nothing"], ["drive", "--listen", "80", "/tmp"]])
def test_a_wrong_command_line_is_one_sentence_and_a_status(args):
    wrong = run(*args)
    assert wrong.returncode != 0
    assert wrong.stderr.strip() and wrong.stderr.count("\n") <= 3 or "usage" in wrong.stderr.lower()
    assert wrong.stdout == ""


def test_a_folder_that_may_not_be_read_is_said_before_any_worker_is_made(folder):
    folder.chmod(0)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    try:
        wrong = subprocess.run([*as_nobody, PREFORKD, "drive", "--listen", "127.0.0.1:0", folder], capture_output=True, text=True,
                               timeout=PATIENCE_S)
    finally:
        folder.chmod(0o755)
    if wrong.returncode in (126, 127):
        pytest.skip(f"nobody may not run what was built: {wrong.stderr.strip()}")
    assert wrong.returncode == 1
    assert wrong.stderr == f"preforkd: cannot serve {folder}: Permission denied\n"


def test_a_file_is_no_folder(folder):
    (folder / "a").touch()
    wrong = run("drive", folder / "a")
    assert wrong.returncode != 0 and "is a file" in wrong.stderr


@pytest.mark.parametrize("args, says", [
    (["echo", "--listen"], "listen: it needs a value: ADDRESS"), (["drive", "--read-only=maybe"], '"maybe" is not yes or no\n'),
    (["echo", "--listen", "192.0.2.1:8080"], "(it is no address of this machine)"),
    (["echo", "--listen", "http://127.0.0.1:8080/"], "is a URL"), (["drive", "~/nowhere"], "only a shell knows what ~ is"),
])
def test_a_newcomers_mistake_is_answered_with_what_to_do(args, says):
    wrong = run(*args)
    assert wrong.returncode in (1, 2) and says in wrong.stderr, wrong


@pytest.mark.parametrize("args", [["--help"], ["drive", "--help"], ["echo", "--help"], ["--version"]])
def test_help_is_on_standard_output(args):
    helped = run(*args)
    assert helped.returncode == 0 and helped.stdout.strip() and helped.stderr == ""


def test_help_names_every_option_of_the_service():
    text = run("drive", "--help").stdout
    for option in ("--listen", "--workers", "--users", "--read-only", "--durability", "--access-log", "--head-timeout"):
        assert option in text


def test_what_is_wrong_at_a_start_names_the_service_where_there_are_several(conf):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        conf.write_text(f"[service one]\nlisten = {taken}\nrun = echo\n")
        alone = run("-c", conf)
        conf.write_text(f"[service first]\nlisten = 127.0.0.1:0\nrun = echo\n{conf.read_text()}")
        several = run("-c", conf)
    assert alone.stderr.startswith(f"preforkd: cannot listen at {taken} (another program does; port 0 takes one that is free): "), alone
    assert several.stderr.startswith(f"preforkd: service one: cannot listen at {taken}"), several


def test_a_service_named_as_a_port_and_a_host_by_name(start, folder, model):
    served = start("drive", "--model", model, folder, listen="localhost:0")
    assert served.ask("GET", "/").status == 200


BAD = [
    ("listen = 127.0.0.1:1\nrun = echo\nuser = no-such-user\n", 4, "there is no user called no-such-user"),
    ("listen = 127.0.0.1:1\nrun = exec\ncommand = /no/such/program\n", 4, 'cannot run "/no/such/program"'),
    ("listen = 127.0.0.1:1\nrun = exec\ncommand = cat\ndirectory = /no/such\n", 5, "cannot begin in /no/such"),
    ("listen = 127.0.0.1:1\nrun = script\ncommand = no-such-interpreter x\n", 4, '"no-such-interpreter"'),
    ("listen = 127.0.0.1:1\nrun = echo # the smallest\n", 3, "; a comment has a line of its own"),
    ("listen = 127.0.0.1:1\nrun = echo\nworkers = 4 ; or so\n", 4, "; a comment has a line of its own"),
    ("listen = 127.0.0.1:1\nrun = echo\nmodel = 'ring'\n", 4, "; a value is written without quotes"),
    ('listen = "127.0.0.1:1"\nrun = echo\n', 2, "; a value is written without quotes"),
    ("listen = 127.0.0.1:1\nrun = echo\nlog_file = /tmp/x\n", 4, "log_file stands under [preforkd]"),
    ("listen = 127.0.0.1:1\nrun = echo\nroot = /tmp\n", 4, "root is a setting of drive, and this section runs echo"),
    ("listen = 127.0.0.1:1\nlisten = 127.0.0.1:1\nrun = echo\n", 3, "[service a] listens at 127.0.0.1:1 already"),
    ("listen = 127.0.0.1:1\nrun = echo\n[service b]\nrun = echo\nlisten = 127.0.0.1:1\n", 6, "[service a] listens at 127.0.0.1:1 already"),
    ("listen = 127.0.0.1:1\nrun = echo\n[preforkd]\nworkers = 4\n", 5, "workers stands under [service NAME]"),
    ("listen = 127.0.0.1:1\nrun = echo\naccess_log = /no/such/log\n", 4, "cannot open the access log /no/such/log: No such file"),
    ("listen = 127.0.0.1:1\nrun = echo\naccess_log = /proc\n", 4, "cannot open the access log /proc: Is a directory"),
    ("listen = 127.0.0.1:1\nrun = echo\n[preforkd]\nlog_file = /no/such/log\n", 5, "cannot open the log /no/such/log: No such file"),
    ("listen = 127.0.0.1:1\nrun = echo\n[preforkd]\npidfile = /no/such/pid\n", 5, "cannot open the pidfile /no/such/pid: No such file"),
]


@pytest.mark.core
@pytest.mark.parametrize("text, line, says", BAD)
def test_what_a_start_would_trip_over_is_said_by_t_with_its_line(tmp_path, text, line, says):
    if "user =" in text and os.geteuid():
        pytest.skip("who is not root may check what root is to run, and cannot know its users")
    path = tmp_path / "bad.conf"
    path.write_text("[service a]\n" + text)
    checked = run("-t", "-c", path)
    assert checked.returncode == 78 and checked.stderr.startswith(f"preforkd: {path}:{line}: "), checked
    assert says in checked.stderr and checked.stderr.count("\n") == 1, checked


@pytest.mark.parametrize("options, says", [
    (["--listen", "127.0.0.1:99999"], "99999"), (["--listen", "nowhere:x"], "nowhere:x"),
    (["--listen", "127.0.0.1:1", "--listen", "127.0.0.1:1"], "listens at 127.0.0.1:1 already"),
    (["--access-log", "/no/such/log"], "cannot open the access log /no/such/log"),
    (["--log-file", "/no/such/log"], "cannot open the log /no/such/log"),
    (["--pidfile", "/no/such/pid"], "cannot open the pidfile /no/such/pid"),
    (["--users", "/no/such/users"], "/no/such/users"),
])
def test_t_checks_one_service_as_it_checks_a_file(folder, options, says):
    checked = run("-t", "drive", *options, folder)
    assert checked.returncode == 78 and says in checked.stderr and checked.stderr.count("\n") == 1, checked
    assert run("-t", "drive", folder).returncode == 0


def test_t_knows_what_may_not_be_written_and_what_is_for_root():
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

    def check(dir, service):
        conf = pathlib.Path(dir, "preforkd.conf")
        conf.write_text(f"[preforkd]\nlog_file = {dir}/log\n[service a]\nlisten = 127.0.0.1:1\nrun = echo\n{service}")
        os.chmod(dir, 0o555)
        done = subprocess.run([*as_nobody, PREFORKD, "-t", "-c", conf], capture_output=True, text=True, timeout=PATIENCE_S, env=ENV)
        os.chmod(dir, 0o755)
        return done
    with tempfile.TemporaryDirectory() as dir:
        checked = check(dir, "")
        if checked.returncode in (126, 127):
            pytest.skip(f"nobody may not run what was built: {checked.stderr.strip()}")
        assert checked.returncode == 78 and f":2: cannot open the log {dir}/log: Permission denied" in checked.stderr, checked
        assert check(dir, "user = daemon\n").returncode == 0


@pytest.mark.core
def test_help_is_given_wherever_it_is_asked_for_but_by_a_programs_words(folder):
    assert run("drive", folder, "--help").stdout == run("drive", "--help").stdout != ""
    refused = run("exec", "--listen", "nowhere", "--", "cat", "--help")
    assert refused.returncode and not refused.stdout


def shared_memory(pid):
    """What process @pid shares with others, by the kernel's numbers for it."""
    with open(f"/proc/{pid}/maps") as maps:
        return {fields[4] for fields in map(str.split, maps)
                if fields[1].endswith("s") and fields[5] in ("/dev/zero", "/memfd:preforkd")}


def test_a_worker_shares_memory_with_its_own_service_alone(start, folder, tmp_path, model):
    conf = tmp_path / "preforkd.conf"
    conf.write_text("".join(f"[service {name}]\nlisten = 127.0.0.1:0\nrun = drive\nmodel = {model}\nworkers = 2\n"
                            f"max_per_ip = 10\nroot = {folder}\n" for name in ("one", "other")))
    served = start("-c", conf, listen=None)
    served.next_listener()
    wire = served.connect()  # and under fork: a process
    wire.send(b"GET / HTTP/1.1\r\n")
    served.holder(wire)
    of = {}
    for pid in served.workers():  # of which one may just begin, and have no name yet, or end
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as name:
            of.setdefault(name.read().strip(), set()).update(shared_memory(pid))
    assert of["one"] and of["other"] and not of["one"] & of["other"], of


@pytest.mark.parametrize("model", ["pool", "ring", "shared", "reuseport"])
def test_a_new_worker_has_no_memory_of_the_one_before(start, folder, model):
    """Which might have been broken into, and have forked. (The children of fork have theirs one after the other.)"""
    served = start("drive", "--model", model, "--workers", "1", folder)
    [old] = served.workers()
    had = shared_memory(old)
    served.kill_worker(old)
    until(lambda: served.workers() not in ([], [old]), "there is another")
    [new] = served.workers()
    assert had - shared_memory(new)  # what it shares with the whole service stays

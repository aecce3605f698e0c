# SPDX-License-Identifier: MIT
import os
import pathlib
import shutil
import subprocess

import pytest

from harness.server import MODELS, PREFORKD, Server


def pytest_report_header():
    return f"preforkd: {PREFORKD}"


def pytest_configure():
    if not os.access(PREFORKD, os.X_OK):
        pytest.exit(f"{PREFORKD} is not built: run ninja -C build-test, or set PREFORKD", returncode=2)


def pytest_collection_modifyitems(config, items):
    """What is the same under every model is a test of the pool's run, and need not be one of the others'."""
    if "pool" not in MODELS:
        again = [item for item in items if "model" not in item.fixturenames]
        items[:] = [item for item in items if "model" in item.fixturenames]
        config.hook.pytest_deselected(items=again)


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def start(request):
    """Starts servers; each is ended and judged after the test, unless the test failed before."""
    servers = []

    def begin(*args, **how):
        servers.append(Server(*args, **how))
        return servers[-1]
    yield begin
    failed = getattr(request.node, "failed", False)
    for server in reversed(servers):
        if failed:
            server.kill()
            server.wait()
            print(f"\nlog of {' '.join(server.args)}:\n{server.text()}")
        else:
            server.stop()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.when == "call" and report.failed:
        item.failed = True


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "folder"
    made.mkdir()
    return made


@pytest.fixture
def drive(start, folder, model):
    """A drive over `folder` with a few workers, as a function of further options."""
    def begin(*options, **how):
        return start("drive", "--model", model, "--workers", "2..4", *options, folder, **how)
    return begin


@pytest.fixture
def served(drive):
    """A drive with nothing special about it."""
    return drive()


def _tmpfs(path, size):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "none", str(path)], capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.decode().strip()}")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 8 MiB."""
    path = pathlib.Path(tmp_path) / "small"
    path.mkdir()
    _tmpfs(path, "8m")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def client(name):
    """The path of a real client's program; without it the test is skipped, and says so."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: tools/deps test installs it")
    return found


@pytest.fixture
def need():
    return client

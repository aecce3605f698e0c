# SPDX-License-Identifier: MIT
"""Us and the real servers, each started on loopback over one folder, as one would run it in earnest.

Every server has its access log off and as many workers as it says in `workers`;
each is ended by SIGTERM. Peers are Debian's packages with the configurations
written here, in a temporary directory.
"""
import contextlib
import crypt
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

START_S = 15
MODULES = "/usr/lib/apache2/modules"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    """The processes below @pid, itself included."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as f:
                    found += map(int, f.read().split())
        except OSError:
            pass  # it ended meanwhile
    return found


class Server:
    name = workers = version_command = None
    host = "127.0.0.1"

    def __init__(self, folder, work):
        self.folder, self.work, self.port = folder, pathlib.Path(work), free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.work.mkdir(parents=True, exist_ok=True)
        self.log = open(self.work / "log", "wb")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log, cwd=self.work,
                                        start_new_session=True)  # apache ends its whole process group
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.name} does not start:\n{(self.work / 'log').read_text()}") from None
                time.sleep(0.02)

    @property
    def pid(self):
        """Of the process that all others come from."""
        return self.process.pid

    def end_another(self):
        """If, after an upgrade, another process serves than the one we started."""
        if self.pid == self.process.pid:
            return
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(self.pid)
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            select.select([pidfd], [], [], 15)
            os.close(pidfd)

    def __exit__(self, *_):
        self.end_another()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                for pid in reversed(children(self.process.pid)):
                    os.kill(pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()

    def pids(self):
        return children(self.pid)

    def worker_pids(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            return list(map(int, f.read().split()))

    def cpu_ns(self):
        """User and system time of all its processes and threads, those that ended included."""
        total = 0
        for pid in self.pids():
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                        total += int(f.read().split()[0])
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rpartition(")")[2].split()
                total += (int(fields[13]) + int(fields[14])) * (10**9 // os.sysconf("SC_CLK_TCK"))
            except OSError:
                pass  # it ended meanwhile: its parent will say
        return total

    def pss_bytes(self):
        """Memory, with what is shared counted in parts."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024
            except OSError:
                pass
        return total


PLAIN = ("--checksums", "none", "--trash", "off")  # as the others: they keep neither digests nor old versions


class Preforkd(Server):
    name, workers = "preforkd", "2 workers"
    options = ["--workers", "2", "--durability", "rename", *PLAIN]
    binary = "build-bench/src/app/preforkd"

    def command(self):
        return [os.path.abspath(self.binary), "drive", "--listen", f"127.0.0.1:{self.port}", *self.options, self.folder]

    def __enter__(self):
        cwd = os.getcwd()
        self.binary = os.path.join(cwd, self.binary)
        return super().__enter__()


class PreforkdOne(Preforkd):
    """With as many processes as lighttpd has."""
    name, workers = "preforkd, 1 worker", "1 worker"
    options = ["--workers", "1", "--durability", "rename", *PLAIN]


class PreforkdDigest(Preforkd):
    """As it comes: with the SHA-256 of every upload, and what was replaced in the trash."""
    name = "preforkd, as it comes"
    options = ["--workers", "2", "--durability", "rename"]


class PreforkdModel(Preforkd):
    """A drive under one model, with its control socket; see of_models()."""
    model = seats = None
    most = 32
    more_options = ()

    def command(self):
        options = ["--model", self.model, "--workers", f"4..{self.most}", "--durability", "rename", *self.more_options]
        if self.model != "fork" and self.seats:
            options += ["--connections", str(self.seats)]
        return [os.path.abspath(self.binary), "drive", "--listen", f"127.0.0.1:{self.port}", "--control", self.work / "control",
                *map(str, options), self.folder]

    def ctl(self, *words):
        done = subprocess.run([os.path.join(os.path.dirname(self.binary), "preforkctl"), "-s", self.work / "control", *words],
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def status(self):
        return json.loads(self.ctl("--json", "status"))

    @property
    def pid(self):
        return self.upgraded or self.process.pid

    upgraded = None

    def reload(self):
        os.kill(self.pid, signal.SIGHUP)

    def upgrade(self):
        self.ctl("upgrade")
        self.upgraded = self.status()["pid"]

    def resize(self, n):
        self.ctl("resize", "drive", f"{n}..{self.most}")

    def switch(self, model):
        self.ctl("switch-model", "drive", model)


def of_models(models, **attributes):
    """A server for each model, with these attributes."""
    text = f"4 to {attributes.get('most', PreforkdModel.most)} processes"
    return tuple(type("Model" + m, (PreforkdModel,), {"name": m, "model": m, "workers": text, **attributes}) for m in models)


class PreforkdFull(Preforkd):
    name = "preforkd, full"
    options = ["--workers", "2", "--durability", "full", *PLAIN]


class PreforkdEight(Preforkd):
    name, workers = "preforkd, 8", "8 workers"
    options = ["--workers", "8"]


class PreforkdUsers(Preforkd):
    """With one user, bench, whose password is bench."""
    name = "preforkd, users"

    @property
    def options(self):
        users = self.work / "users"
        users.write_text("bench:" + crypt.crypt("bench", crypt.mksalt(crypt.METHOD_SHA512)) + "\n")
        users.chmod(0o600)
        return [*Preforkd.options, "--users", str(users)]


class Nginx(Server):
    name, workers, daemon = "nginx", "2 workers", "off"
    more = ""

    def command(self):
        conf = self.work / "nginx.conf"
        conf.write_text(f"""
daemon {self.daemon}; user root; worker_processes 2; worker_rlimit_nofile 40000; pid {self.work}/pid;
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
error_log {self.work}/error.log warn;
events {{ worker_connections 15000; }}
http {{
    include /etc/nginx/mime.types; default_type application/octet-stream;
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 300s;
    client_max_body_size 0; client_body_temp_path {self.folder}/.nginx-temp;
    {self.more}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096; root {self.folder};
        location / {{ dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; }}
    }}
}}
""")
        return ["/usr/sbin/nginx", "-e", str(self.work / "error.log"), "-c", str(conf)]


class NginxCache(Nginx):
    """It may answer with what a file was up to a minute ago."""
    name = "nginx, open_file_cache"
    more = "open_file_cache max=10000 inactive=60s; open_file_cache_valid 60s;"


class NginxMaster(Nginx):
    """As a daemon, because only that can be upgraded."""
    name, daemon = "nginx", "on"

    @property
    def pid(self):
        try:
            return int((self.work / "pid").read_text())
        except (OSError, ValueError):
            return self.process.pid

    def reload(self):
        os.kill(self.pid, signal.SIGHUP)

    def upgrade(self):
        """As nginx.org says: USR2, and when the new one is there QUIT to the old."""
        old = self.pid
        os.kill(old, signal.SIGUSR2)
        deadline = time.monotonic() + START_S
        while self.pid == old or not children(self.pid)[1:]:
            if time.monotonic() > deadline:
                raise RuntimeError("nginx does not upgrade")
            time.sleep(0.01)
        os.kill(old, signal.SIGQUIT)


class Lighttpd(Server):
    name, workers = "lighttpd", "1 process"

    def command(self):
        (self.work / "uploads").mkdir(exist_ok=True)
        uploads = pathlib.Path(self.folder) / ".lighttpd-temp"  # where a rename can reach the target
        uploads.mkdir(exist_ok=True)
        conf = self.work / "lighttpd.conf"
        conf.write_text(f"""
server.modules = ("mod_webdav")
server.document-root = "{self.folder}"
server.bind = "127.0.0.1"
server.port = {self.port}
server.errorlog = "{self.work}/error.log"
server.upload-dirs = ("{uploads}")
server.max-fds = 40000
server.max-connections = 15000
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 300
server.listen-backlog = 4096
webdav.activate = "enable"
webdav.is-readonly = "disable"
webdav.sqlite-db-name = "{self.work}/webdav.db"
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
""")
        return ["/usr/sbin/lighttpd", "-D", "-f", str(conf)]


class Apache(Server):
    name, workers, mpm = "apache", "event, 2 processes", "event"
    tuning = "StartServers 2\nServerLimit 2\nThreadsPerChild 64\nMaxRequestWorkers 128\nMinSpareThreads 128\nMaxSpareThreads 128"

    def command(self):
        self.work.chmod(0o777)  # it will not run as root
        conf = self.work / "apache.conf"
        modules = ["mpm_" + self.mpm, "authz_core", "mime", "dav", "dav_fs", "setenvif"]
        conf.write_text("\n".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in modules) + f"""
ServerRoot {self.work}
ServerName localhost
Listen 127.0.0.1:{self.port}
ListenBacklog 4096
PidFile {self.work}/pid
ErrorLog {self.work}/error.log
TypesConfig /etc/mime.types
User www-data
Group www-data
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
EnableSendfile On
{self.tuning}
DocumentRoot {self.folder}
DavLockDB {self.work}/DavLock
DavDepthInfinity On
<Directory {self.folder}>
    AllowOverride None
    Require all granted
    Dav On
</Directory>
""")
        return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(conf)]


class ApachePrefork(Apache):
    name, workers, mpm = "apache prefork", "prefork, 32 processes", "prefork"
    tuning = "StartServers 32\nServerLimit 32\nMaxRequestWorkers 32\nMinSpareServers 32\nMaxSpareServers 32"


class ApacheGraceful(ApachePrefork):
    def reload(self):
        """What apachectl graceful does."""
        os.kill(self.pid, signal.SIGUSR1)


# -- a program for each connection

class Programs(Server):
    """As many at once as come: the load decides."""
    workers = "a process a connection"
    program = "/bin/true"


class PreforkdExec(Programs):
    name, model, binary = "preforkd exec, pool", "pool", Preforkd.binary

    def command(self):
        return [os.path.abspath(self.binary), "exec", "--model", self.model, "--workers", "2", "--listen",
                f"127.0.0.1:{self.port}", "--", self.program]

    def __enter__(self):
        self.binary = os.path.abspath(self.binary)
        return super().__enter__()


class PreforkdExecShared(PreforkdExec):
    name, model = "preforkd exec, shared", "shared"


class PreforkdExecFork(PreforkdExec):
    name, model = "preforkd exec, fork", "fork"

    def command(self):
        words = super().command()
        words[words.index("--workers") + 1] = "1..64"
        return words


class Tcpserver(Programs):
    name = "tcpserver"

    def command(self):
        return ["tcpserver", "-HRD", "-l0", "-c1000", "-b1000", "127.0.0.1", str(self.port), self.program]


class Socat(Programs):
    name = "socat"

    def command(self):
        return ["socat", f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork,backlog=1000", f"EXEC:{self.program},nofork"]


class Xinetd(Programs):
    name = "xinetd"

    def command(self):
        conf = self.work / "xinetd.conf"
        conf.write_text(f"""
service bench
{{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    wait = no
    user = root
    bind = 127.0.0.1
    port = {self.port}
    server = {self.program}
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 1000000 1
}}
""")
        return ["/usr/sbin/xinetd", "-dontfork", "-f", str(conf), "-pidfile", str(self.work / "pid")]

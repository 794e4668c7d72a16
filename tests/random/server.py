"""A server process of its own, and connections to it: for kill.py and model.py."""

import os
import signal
import socket
import subprocess
import time

import pytds

PASSWORD = "Str0ng!pass"


class Refused(Exception):
    """An error of the server."""

    def __init__(self, number, text):
        super().__init__(text)
        self.number = number


class Failure(Exception):
    """The server did what it must not do."""


class Gone(Exception):
    """The connection broke, so nobody knows what became of the last batch."""


class Server:
    def __init__(self, runner, directory):
        self.runner, self.directory = runner, directory
        self.log = os.path.join(directory, "server.log")
        self.child = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def launch(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [self.runner, "serve", "--data-dir", os.path.join(self.directory, "data"), "--listen", f"127.0.0.1:{self.port}"],
                env={**os.environ, "HOLDFAST_SA_PASSWORD": PASSWORD, "HOLDFAST_LOG": "warn"},
                stdout=log,
                stderr=log,
            )

    def start(self):
        self.launch()
        until = time.time() + 120
        while time.time() < until:
            try:
                return self.open("master", timeout=120).close()
            except Exception:
                if self.child.poll() is not None:
                    raise Failure(f"the server ended at its start with {self.child.returncode}")
                time.sleep(0.05)
        raise Failure("the server did not get ready within two minutes")

    def end(self, how=signal.SIGKILL):
        self.child.send_signal(how)
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Failure("the server did not end within a minute of SIGTERM")

    def open(self, database, timeout=60):
        return Connection(self.port, database, timeout)

    def panics(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return [line.strip() for line in f if "panicked" in line or "assertion" in line]


class Connection:
    def __init__(self, port, database, timeout):
        self.c = pytds.connect("127.0.0.1", database, "sa", PASSWORD, port=port, timeout=timeout, login_timeout=10, autocommit=True)

    def run(self, batch):
        """The rows of the last result set. Refused: the server's error; Gone: no answer."""
        cursor = self.c.cursor()
        try:
            cursor.execute(batch)
            rows = []
            while True:
                if cursor.description:
                    rows = [tuple(row) for row in cursor.fetchall()]
                if not cursor.nextset():
                    return rows
        except pytds.tds_base.TimeoutError:
            raise Failure(f"no answer within a minute: {batch[:2000]}")
        except pytds.ClosedConnectionError as e:
            raise Gone(str(e))
        except pytds.DatabaseError as e:
            # While it shuts down the server ends statements with 3617.
            if getattr(e, "number", 0) not in (0, 3617):
                raise Refused(e.number, str(e))
            raise Gone(str(e))
        except (OSError, EOFError, pytds.Error, AttributeError) as e:
            raise Gone(repr(e))

    def close(self):
        try:
            self.c.close()
        except Exception:
            pass

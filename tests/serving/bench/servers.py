"""Small servers with known manners: what a driver and a measurement must notice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = """
import json, socketserver, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

manner, after = sys.argv[1], int(sys.argv[2])
answered = 0

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        global answered
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["dataframe_split"]["data"]
        answered += 1
        late = answered > after
        sums = [float(sum(row)) for row in asked]
        if late and manner == "wrong":
            sums[-1] += 1
        if late and manner == "nearly":
            sums = [one * (1 + 1e-9) for one in sums]
        if late and manner == "breaks":
            self.close_connection = True
            return self.connection.close()
        if late and manner == "hangs":
            time.sleep(60)
        body = json.dumps({"predictions": sums}).encode()
        if late and manner == "nonsense":
            body = b"nonsense"
        self.send_response({"turns away": 503, "fails": 500}.get(manner, 200) if late else 200)
        self.send_header("Content-Length", str(len(body)))
        if manner == "closes":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass

server = Server(("127.0.0.1", 0), Handler)
print(f"Serving at http://127.0.0.1:{server.server_port} ", file=sys.stderr, flush=True)
server.serve_forever()
"""


def command(manner: str, after: int = 0) -> list[str]:
    """A server that adds up rows, and after so many answers does so in its *manner*."""
    return [sys.executable, "-c", SCRIPT, manner, str(after)]


@contextmanager
def listening(manner: str, after: int = 0) -> Iterator[int]:
    """Its port."""
    process = subprocess.Popen(command(manner, after), stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        yield int(process.stderr.readline().rpartition(b":")[2])
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def alive(pid: int) -> bool:
    """Whether the process *pid* still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


linux = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are seen in /proc, which only Linux has"
)

"""Opens an ONNX model in a child process first: what crashes a runtime then crashes nobody else."""

import subprocess
import sys
from pathlib import Path

from modelpack.engines.memory import has_opened, note_opened
from modelpack.errors import InvalidModel
from modelpack.onnx.report import Report
from modelpack.onnx.session import OnnxSession


def survive(model: bytes, report: Report, *, seconds: float = 60.0) -> None:
    """Raise InvalidModel unless a child opens *model* for each method that *report* certifies, in *seconds*.

    For models from elsewhere: ``modelpack.onnx.wire`` has refused the known tricks, but a runtime may still
    stumble over numbers inside, such as a tree's child that does not exist.
    """
    head = report.to_json().encode()
    message = b"%d\n" % len(head) + head + model
    try:
        done = subprocess.run(
            [sys.executable, "-m", "modelpack.engines.trial"],
            input=message,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidModel(f"the ONNX form was not open after {seconds:g} seconds") from None
    if done.returncode != 0:
        raise InvalidModel(f"the ONNX form does not open (a child process ended with {done.returncode})")


def survive_once(model: bytes, digest: str, report: Report, *, folder: Path) -> None:
    """As ``survive``, unless *folder* remembers that the file *digest* opens with this runtime."""
    if has_opened(folder, digest):
        return
    survive(model, report)
    note_opened(folder, digest)


def main() -> None:
    """Open what comes on standard input."""
    length = int(sys.stdin.buffer.readline())
    report = Report.from_json(sys.stdin.buffer.read(length))
    if report.layout is None:
        raise InvalidModel("the parity report certifies no ONNX form")
    session = OnnxSession(sys.stdin.buffer.read(), report.layout, report.domain)
    for method in report.certified:
        session.open(method)


if __name__ == "__main__":
    main()

"""A certificate as a table: which methods the ONNX form answers, and what was found when it was compared."""

from itertools import islice

from modelpack.engines.certificate import HEADINGS, Certificate
from modelpack.report.page import chip, more, table

_ANSWERS = HEADINGS.index("By ONNX")
_LOOKS = {"yes": "good", "no": "bad"}


def methods(certificate: Certificate, *, most: int = 50, longest: int = 200) -> str:
    """The first *most* methods, with at most *longest* characters in a cell."""
    rows = (
        (*one[:_ANSWERS], chip(one[_ANSWERS], _LOOKS[one[_ANSWERS]]), *one[_ANSWERS + 1 :])
        for one in islice(certificate.rows(), most)
    )
    told = table("Certificate by method", HEADINGS, rows, numeric={2, 3, 4}, longest=longest)
    return told + more(most, len(certificate.methods), "methods")

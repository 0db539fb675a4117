"""A file of rows in, a file of predictions out, as the server would answer."""

from serving.scoring.job import Job, score
from serving.scoring.kinds import Kind

__all__ = ["Job", "Kind", "score"]

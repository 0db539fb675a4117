"""``modelpack doctor``: what somebody who helps asks first."""

from modelpack.cli.doctor.verb import doctor

__all__ = ["doctor"]

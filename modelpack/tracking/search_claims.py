"""A condition on a metric as SQL: what is no number equals nothing, and differs from every number."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition


def value_claim(
    condition: Condition, nan: ColumnElement[Any], value: ColumnElement[Any]
) -> ColumnElement[bool]:
    """What *condition* says of the columns *nan* and *value*. Raises InvalidFilter where it says nothing."""
    given = condition.value
    if not isinstance(given, int | float):
        raise InvalidFilter(f"{condition.key} is compared with one number, without quotes, by = != < <= > >=")
    number = float(given)
    match condition.operator:
        case "=":
            return and_(nan == 0, value == number)
        case "!=":
            return or_(nan == 1, value != number)
        case "<":
            return and_(nan == 0, value < number)
        case "<=":
            return and_(nan == 0, value <= number)
        case ">":
            return and_(nan == 0, value > number)
        case ">=":
            return and_(nan == 0, value >= number)
    raise InvalidFilter(f"{condition.key} is compared with a number, by = != < <= > >=")

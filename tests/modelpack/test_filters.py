"""The search grammar reads what it says, and refuses the rest with one kind of error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition, Entity, Key, Operator, Order, Value, parse_filter, parse_order


def attribute(name: str, operator: Operator, value: Value | tuple[Value, ...] | None) -> Condition:
    return Condition(Key("attribute", name), operator, value)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        pytest.param("", (), id="empty"),
        pytest.param("name = 'x'", (attribute("name", "=", "x"),), id="text"),
        pytest.param(' name="x" ', (attribute("name", "=", "x"),), id="double quotes"),
        pytest.param("name = 'it''s'", (attribute("name", "=", "it's"),), id="doubled quote"),
        pytest.param("name = '\"'", (attribute("name", "=", '"'),), id="the other quote"),
        pytest.param("name = ''", (attribute("name", "=", ""),), id="empty text"),
        pytest.param("name = 'AND'", (attribute("name", "=", "AND"),), id="a word in quotes"),
        pytest.param("a<=1", (attribute("a", "<=", 1),), id="no blanks"),
        pytest.param("a != -1.5e3", (attribute("a", "!=", -1500.0),), id="real"),
        pytest.param("a > .5", (attribute("a", ">", 0.5),), id="real without a zero"),
        pytest.param("a >= +3", (attribute("a", ">=", 3),), id="whole"),
        pytest.param("name like 'a%'", (attribute("name", "LIKE", "a%"),), id="lower case"),
        pytest.param("name NOT ILIKE 'a'", (attribute("name", "NOT ILIKE", "a"),), id="not ilike"),
        pytest.param("id IN ('a','b')", (attribute("id", "IN", ("a", "b")),), id="in"),
        pytest.param("id NOT IN (1, 2.5)", (attribute("id", "NOT IN", (1, 2.5)),), id="not in"),
        pytest.param("a IS NULL", (attribute("a", "IS NULL", None),), id="is null"),
        pytest.param("a is Not null", (attribute("a", "IS NOT NULL", None),), id="is not null"),
        pytest.param("`run name` = 'x'", (attribute("run name", "=", "x"),), id="key in back ticks"),
        pytest.param(
            "a = 1 AND b = 2 and c = 3",
            tuple(attribute(name, "=", number) for name, number in (("a", 1), ("b", 2), ("c", 3))),
            id="and",
        ),
    ],
)
def test_a_filter_reads_as_its_conditions(text: str, conditions: tuple[Condition, ...]) -> None:
    assert parse_filter(text) == conditions


@pytest.mark.parametrize(
    ("word", "entity"),
    [
        ("metric", "metric"), ("metrics", "metric"), ("Metrics", "metric"),
        ("param", "param"), ("params", "param"), ("parameter", "param"), ("parameters", "param"),
        ("tag", "tag"), ("tags", "tag"), ("dataset", "dataset"), ("datasets", "dataset"),
        ("attribute", "attribute"), ("attributes", "attribute"), ("attr", "attribute"), ("run", "attribute"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("written", "name"),
    [("k", "k"), ("a.b/c-d", "a.b/c-d"), ("`a b`", "a b"), ('"a ""b"""', 'a "b"'), ("`'x'`", "'x'")],
)
def test_a_key_has_an_entity_and_a_name(word: str, entity: Entity, written: str, name: str) -> None:
    assert parse_filter(f"{word}.{written} = 1") == (Condition(Key(entity, name), "=", 1),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" ", "character 2: wanted a key"),
        ("name", "wanted an operator"),
        ("name = x", "text in quotes; met 'x'"),
        ("name = 'x", "the end of a quote"),
        ("name ~ 'x'", "wanted an operator"),
        ("name == 'x'", "text in quotes"),
        ("= 'x'", "wanted a key"),
        ("'name' = 'x'", "wanted a key"),
        ("name = 'x' OR name = 'y'", "character 12: wanted AND"),
        ("name = 'x' AND", "wanted a key"),
        ("name = 'x' name = 'y'", "wanted AND"),
        ("(name = 'x')", "wanted a key"),
        ("name LIKE 3", "wants text in quotes"),
        ("name NOT 'x'", "wanted an operator"),
        ("name IS 'x'", "wanted an operator"),
        ("name IN 'x'", "wanted ("),
        ("name IN ()", "wanted a number, or text"),
        ("name IN ('a' 'b')", "wanted a , or )"),
        ("name IN ('a'", "wanted a , or )"),
        ("foo.bar = 1", "before the dot"),
        ("tags. = 1", "a name behind the dot"),
        ("tags.`` = 1", "a name behind the dot"),
        ("a = 1e999", "a number in range"),
        ("a = nan", "a number"),
        ("a = 1.2.3", "a number"),
        ("a = " + "9" * 41, "a number"),
        ("name = 'x'; DROP TABLE x", "wanted AND"),
        ("name = 'x' -- b", "wanted AND"),
        ("\0 = 1 AND", "wanted a key"),
    ],
)
def test_what_is_no_filter_is_refused_where_it_goes_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("name = '" + "x" * 50_000 + "'", id="characters"),
        pytest.param(" AND ".join(["a = 1"] * 101), id="conditions"),
        pytest.param("a IN (" + ", ".join(["1"] * 1_001) + ")", id="choices"),
    ],
)
def test_a_filter_has_limits(text: str) -> None:
    with pytest.raises(InvalidFilter, match="at most"):
        parse_filter(text)


def test_the_limits_can_be_reached() -> None:
    assert len(parse_filter(" AND ".join(["a = 1"] * 100))) == 100
    (condition,) = parse_filter("a IN (" + ", ".join(["1"] * 1_000) + ")")
    assert condition.value == (1,) * 1_000


def test_an_order_reads_as_its_keys() -> None:
    orders = parse_order(["name", "version_number DESC", "metrics.`a b` asc"])
    assert orders == (
        Order(Key("attribute", "name")),
        Order(Key("attribute", "version_number"), descending=True),
        Order(Key("metric", "a b")),
    )


@pytest.mark.parametrize(
    "orders", [[""], ["name DOWN"], ["name ASC DESC"], ["name, x"], ["a", "a DESC"], ["f(x)"], ["a"] * 10_000]
)
def test_what_is_no_order_is_refused(orders: list[str]) -> None:
    with pytest.raises(InvalidFilter):
        parse_order(orders)


def test_an_order_has_at_most_ten_keys() -> None:
    keys = [f"k{number}" for number in range(11)]
    assert len(parse_order(keys[:10])) == 10
    with pytest.raises(InvalidFilter, match="at most 10"):
        parse_order(keys)


@settings(max_examples=40)
@given(st.text() | st.text(alphabet="abnme.='\"`()<>!, ANDIKELUS0123456789\t\n"))
def test_any_text_is_read_or_refused(text: str) -> None:
    said = ""
    try:
        parse_filter(text)
    except InvalidFilter as error:
        said = str(error)
    assert len(said) <= 300


entities = st.sampled_from(["attribute", "metric", "param", "tag", "dataset"])
names = st.text(min_size=1).filter(lambda name: "`" not in name)
values = st.text() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
comparisons = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


@given(st.lists(st.tuples(entities, names, comparisons, values), min_size=1, max_size=5))
def test_what_is_written_out_reads_back(claims: list[tuple[Entity, str, Operator, Value]]) -> None:
    text = " AND ".join(
        f"{entity}s.`{name}`{operator}{_written(value)}" for entity, name, operator, value in claims
    )
    wanted = tuple(Condition(Key(entity, name), operator, value) for entity, name, operator, value in claims)
    assert parse_filter(text) == wanted


def _written(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)

"""The registry store of a real MLflow server, over REST."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

from modelpack.errors import (
    AlreadyExists,
    InvalidFilter,
    InvalidName,
    NotFound,
    StoreUnavailable,
    Unsupported,
    shorten,
)
from modelpack.registry.names import (
    ACTIVE,
    LAST_VERSION,
    STAGES,
    is_storable,
    require_alias,
    require_key,
    require_name,
    require_stage,
    require_tags,
    require_text,
)
from modelpack.registry.records import ModelVersion, Move, Page, RegisteredModel
from modelpack.registry.rest_rows import DIGEST, LOCATION, OURS, USER, model_of, move_of, tag_list, version_of
from modelpack.registry.rest_search import MODELS, VERSIONS, filter_for, order_for, require_size
from modelpack.registry.store import NOT_GIVEN, Expected
from modelpack.remote.answers import Refused
from modelpack.remote.patience import Passing, if_undone
from modelpack.remote.server import INVALID, MISSING, TAKEN, MlflowServer
from modelpack.uris import ModelRef

_LONGEST_ASKED: Final = 1_000
"""Characters of a name that a server is asked for; some of them choke on more."""
_HINTS: Final = 100
_HISTORY: Final = "/api/2.0/modelpack/registered-models/history"
"""What our own team server answers besides MLflow's API."""
_GIVEN: Final = "server:"
"""Begins every page token that we hand out; the server's own follows."""


class RestStore:
    """A RegistryStore behind *server*, on behalf of *user*.

    The server does the work, and its laws hold: it keeps no history and compares nothing before it moves a
    stage or an alias, so both raise Unsupported; it searches by less. What it has no field for (digest,
    location, user) stands in tags of the version that begin with ``modelpack.``, which are not shown as tags.
    """

    def __init__(self, server: MlflowServer, *, user: str) -> None:
        self._server = server
        self._user = require_text("user", user)

    def create_model(self, name: str, *, description: str, tags: Mapping[str, str]) -> RegisteredModel:
        require_name(name)
        require_text("description", description)
        message = {"name": name, "description": description, "tags": tag_list(require_tags(tags))}
        with self._refusals(name):
            told = self._server.call("POST", "registered-models/create", message, again=if_undone)
        return model_of(_part(told, "registered_model"))

    def get_model(self, name: str) -> RegisteredModel:
        self._require_askable(name)
        with self._refusals(name):
            told = self._server.get("registered-models/get", name=name)
        return model_of(_part(told, "registered_model"))

    def rename_model(self, name: str, new_name: str) -> RegisteredModel:
        require_name(new_name)
        self._require_askable(name)
        message = {"name": name, "new_name": new_name}
        with self._refusals(name, taken=new_name):
            told = self._server.call("POST", "registered-models/rename", message, again=if_undone)
        return model_of(_part(told, "registered_model"))

    def update_model(self, name: str, *, description: str) -> RegisteredModel:
        require_text("description", description)
        self._require_askable(name)
        with self._refusals(name):
            self._server.call("PATCH", "registered-models/update", {"name": name, "description": description})
        return self.get_model(name)

    def delete_model(self, name: str) -> None:
        self._require_askable(name)
        with self._refusals(name):
            self._server.call("DELETE", "registered-models/delete", {"name": name}, again=if_undone)

    def search_models(
        self, where: str, *, order_by: Sequence[str], max_results: int, page_token: str | None
    ) -> Page[RegisteredModel]:
        with _filters():
            told = self._server.get(
                "registered-models/search",
                filter=filter_for(where, MODELS),
                order_by=order_for(order_by, MODELS),
                max_results=require_size(max_results, MODELS),
                page_token=_token(page_token),
            )
        found = tuple(model_of(one) for one in told.get("registered_models", ()))
        return Page(found, _next(told))

    def create_version(
        self,
        name: str,
        *,
        source: str,
        digest: str,
        location: str,
        run_id: str,
        description: str,
        tags: Mapping[str, str],
        run_link: str = "",
        model_id: str = "",
    ) -> ModelVersion:
        require_name(name)
        texts = {"source": source, "run id": run_id, "description": description}
        for what, text in (texts | {"run link": run_link, "model id": model_id}).items():
            require_text(what, text)
        _require_theirs(tags)
        ours = {DIGEST: digest, LOCATION: location if location != source else "", USER: self._user}
        given = require_tags(tags) | {key: value for key, value in ours.items() if value}
        message: dict[str, Any] = {
            "name": name,
            "source": source,
            "description": description,
            "tags": tag_list(given),
        }
        logged = ModelRef("models", source.removeprefix("models:")).logged_model
        # A server takes a model that it logged by its id, and finds the run itself.
        if model_id or (logged is not None and source.startswith("models:")):
            message["model_id"] = model_id or logged
        elif run_id:
            message["run_id"] = run_id
        if run_link:
            message["run_link"] = run_link
        try:
            told = self._create_version(message)
        except Refused as refused:
            if refused.code != MISSING:
                raise
            with suppress(AlreadyExists):
                self.create_model(name, description="", tags={})
            with self._refusals(name):
                told = self._create_version(message)
        return version_of(_part(told, "model_version"))

    def _create_version(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return self._server.call("POST", "model-versions/create", message, again=_if_not_made)

    def get_version(self, name: str, version: int) -> ModelVersion:
        with self._refusals(name, version):
            self._require_askable(name, version)
            told = self._server.get("model-versions/get", name=name, version=str(version))
        return version_of(_part(told, "model_version"))

    def search_versions(
        self, where: str, *, order_by: Sequence[str], max_results: int, page_token: str | None
    ) -> Page[ModelVersion]:
        with _filters():
            told = self._server.get(
                "model-versions/search",
                filter=filter_for(where, VERSIONS),
                order_by=order_for(order_by, VERSIONS),
                max_results=require_size(max_results, VERSIONS),
                page_token=_token(page_token),
            )
        found = tuple(version_of(one) for one in told.get("model_versions", ()))
        return Page(found, _next(told))

    def latest_versions(self, name: str, stages: Sequence[str]) -> tuple[ModelVersion, ...]:
        wanted = {require_stage(stage) for stage in stages} or set(STAGES)
        return tuple(version for version in self.get_model(name).latest if version.stage in wanted)

    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        require_text("description", description)
        self._act("PATCH", "model-versions/update", name, version, description=description)
        return self.get_version(name, version)

    def delete_version(self, name: str, version: int) -> None:
        with self._refusals(name, version):
            self._require_askable(name, version)
            message = {"name": name, "version": str(version)}
            self._server.call("DELETE", "model-versions/delete", message, again=if_undone)

    def promote(
        self, name: str, version: int, stage: str, *, archive_existing: bool, expected: Expected
    ) -> ModelVersion:
        target = require_stage(stage)
        if target not in ACTIVE and (archive_existing or expected is not NOT_GIVEN):
            raise InvalidName(
                f"archiving others, or expecting one, goes with {' and '.join(ACTIVE)}, not with {target}: "
                "any number of versions may be there"
            )
        _require_no_expectation(expected)
        self._act(
            "POST",
            "model-versions/transition-stage",
            name,
            version,
            stage=target,
            archive_existing_versions=archive_existing,
        )
        return self.get_version(name, version)

    def set_alias(self, name: str, alias: str, version: int, *, expected: Expected) -> None:
        require_alias(alias)
        _require_no_expectation(expected)
        self._act("POST", "registered-models/alias", name, version, alias=alias)

    def delete_alias(self, name: str, alias: str) -> None:
        require_alias(alias)
        self._require_askable(name)
        with self._refusals(name):
            self._server.call("DELETE", "registered-models/alias", {"name": name, "alias": alias})

    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        self._require_askable(name)
        is_askable = is_storable(alias) and 0 < len(alias) <= _LONGEST_ASKED
        try:
            if is_askable:
                told = self._server.get("registered-models/alias", name=name, alias=alias)
                return version_of(_part(told, "model_version"))
        except Refused as refused:
            # The server calls an unknown alias an invalid parameter, and always has.
            if refused.code not in (INVALID, MISSING):
                raise
        known = [f"{one} (version {number})" for one, number in self.get_model(name).aliases.items()]
        raise NotFound(f"{shorten(repr(name), 80)} alias", alias, known=known)

    def set_tag(self, name: str, key: str, value: str, *, version: int | None) -> None:
        require_tags({key: value})
        _require_theirs([key])
        if version is not None:
            self._act("POST", "model-versions/set-tag", name, version, key=key, value=value)
            return
        self._require_askable(name)
        with self._refusals(name):
            self._server.call("POST", "registered-models/set-tag", {"name": name, "key": key, "value": value})

    def delete_tag(self, name: str, key: str, *, version: int | None) -> None:
        require_key(key)
        _require_theirs([key])
        if version is not None:
            self._act("DELETE", "model-versions/delete-tag", name, version, key=key)
            return
        self._require_askable(name)
        with self._refusals(name):
            self._server.call("DELETE", "registered-models/delete-tag", {"name": name, "key": key})

    def history(self, name: str, *, version: int | None) -> list[Move]:
        self._require_askable(name, version)
        given = {} if version is None else {"version": str(version)}
        try:
            with self._refusals(name, version):
                told = self._server.get(_HISTORY, name=name, **given)
        except Refused as refused:
            if refused.status not in (404, 405):
                raise
            if version is None:
                self.get_model(name)
            else:
                self.get_version(name, version)
            raise Unsupported(
                "an MLflow server keeps no history of stages and aliases; a registry of ours does"
            ) from refused
        return [move_of(one) for one in told.get("moves", ())]

    def close(self) -> None:
        self._server.close()

    def _act(self, verb: str, method: str, name: str, version: int, **facts: Any) -> None:
        """Change one version; doing so twice is as good as once."""
        with self._refusals(name, version):
            self._require_askable(name, version)
            self._server.call(verb, method, {"name": name, "version": str(version), **facts})

    def _require_askable(self, name: str, version: int | None = None) -> None:
        """Raise NotFound for what no server can hold, and which it is better not asked for."""
        if not is_storable(name) or not 0 < len(name) <= _LONGEST_ASKED:
            raise self._no_model(name)
        if version is not None and not 1 <= version <= LAST_VERSION:
            self._no_version(name, version)

    @contextmanager
    def _refusals(self, name: str, version: int | None = None, *, taken: str = "") -> Iterator[None]:
        """The server's no, said in our words, with what there is instead."""
        try:
            yield
        except Refused as refused:
            if refused.code == TAKEN:
                called = shorten(repr(taken or name), 120)
                raise AlreadyExists(f"a registered model is called {called} already") from refused
            if refused.code != MISSING:
                raise
            if version is None:
                raise self._no_model(name) from refused
            self._no_version(name, version)

    def _no_model(self, name: str) -> NotFound:
        known: list[str] = []
        with suppress(StoreUnavailable, Refused):
            page = self.search_models("", order_by=(), max_results=_HINTS, page_token=None)
            known = [model.name for model in page]
        return NotFound("registered model", name, known=known)

    def _no_version(self, name: str, version: int) -> NoReturn:
        self.get_model(name)
        known: list[str] = []
        if "'" not in name or '"' not in name:
            quoted = name.replace("'", "''")
            page = self.search_versions(
                f"name = '{quoted}'", order_by=["version_number DESC"], max_results=_HINTS, page_token=None
            )
            known = [f"{one.version} ({one.stage})" for one in reversed(page.items)]
        raise NotFound(f"{shorten(repr(name), 80)} version", version, known=known)


def _if_not_made(failure: Passing) -> bool:
    # Two who ask for a number at once may be given the same; the server tries three times, and then says so.
    return failure.undone or "Giving up after" in failure.said


def _require_no_expectation(expected: Expected) -> None:
    if expected is not NOT_GIVEN:
        raise Unsupported(
            "an MLflow server moves a stage or an alias without comparing it first; leave the expectation "
            "out, or use a registry of ours"
        )


def _require_theirs(keys: Iterable[str]) -> None:
    for key in keys:
        if key in OURS:
            raise InvalidName(f"the tag {key!r} is kept for this toolkit's own use; choose another key")


@contextmanager
def _filters() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.status == 400:
            # Of a database's complaint, its statement is nobody's business.
            said = refused.said.partition("[SQL:")[0].strip()
            raise InvalidFilter(shorten(f"the server cannot search so: {said}")) from refused
        raise


def _token(token: str | None) -> str:
    """*token* as the server gave it; some servers fall over one that they did not give."""
    if token is not None and not token.startswith(_GIVEN):
        raise InvalidFilter("the page token is none that a search gave")
    return (token or "").removeprefix(_GIVEN)


def _next(told: Mapping[str, Any]) -> str | None:
    token = told.get("next_page_token")
    return f"{_GIVEN}{token}" if token else None


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    if not isinstance(part, Mapping):
        raise StoreUnavailable(f"the server's answer has no {name}; is it an MLflow server?")
    return part

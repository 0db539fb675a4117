"""The logged models of MLflow 3: those of an experiment, and one of them with what its files say."""

from typing import Final

from starlette.responses import Response

from modelpack.errors import InvalidFilter, ModelpackError
from modelpack.registry.claims import token_of
from modelpack.registry.records import Page as Found
from modelpack.tracking.records import LoggedModel
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.tracking.ui import shelf
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.cards import Card, card_at
from modelpack.tracking.ui.lineage import run_of, versions_of_model
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import Pager
from modelpack.tracking.ui.rendering import page
from modelpack.tracking.ui.telling import Told

SIZE: Final = 50


def show_all(ask: Ask) -> Response:
    """Those of an experiment, with what is wrong with the filter beside it."""
    experiment = ask.parts.tracking.get_experiment(ask.path["experiment"])
    pager, wrong = Pager.of(ask, SIZE), ""
    found: Found[LoggedModel] = Found(())
    try:
        found = SqlLoggedModels(ask.parts.database).search(
            [experiment.experiment_id],
            ask.one("where"),
            max_results=SIZE,
            page_token=token_of(pager.offset),
        )
    except InvalidFilter as error:
        wrong = str(error)
    return page(
        "logged_models.html",
        ask,
        status=400 if wrong else 200,
        experiment=experiment,
        found=found.items,
        where=ask.one("where"),
        wrong=wrong,
        pager=pager.before(found.next_token),
    )


def show(ask: Ask) -> Response:
    """All that is known of one."""
    model = SqlLoggedModels(ask.parts.database).get(ask.path["model"], deleted=True)
    card, files, trouble = _files(ask, model)
    return page(
        "logged_model.html",
        ask,
        model=model,
        experiment=ask.parts.tracking.get_experiment(model.experiment_id),
        run=run_of(ask, model.source_run_id),
        versions=versions_of_model(ask, model),
        card=card,
        files=files,
        trouble=trouble,
        params=Told.of(model.params),
        tags=Told.of({key: value for key, value in model.tags.items() if not key.startswith("mlflow.")}),
    )


def _files(ask: Ask, model: LoggedModel) -> tuple[Card, list[shelf.File], str]:
    """What they say, which they are, and why neither can be told."""
    try:
        files = shelf.files_in(ask.parts, model.artifact_uri, "")
        return card_at(ask.parts, model.artifact_uri) if files else Card(), files, ""
    except ModelpackError as error:
        return Card(), [], str(error)


PAGES: Final = (
    Page("GET", "/experiments/{experiment}/logged-models", show_all),
    Page("GET", "/logged-models/{model}", show),
)

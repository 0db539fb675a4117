"""The front page: experiments, found by name, made, renamed, deleted and brought back."""

from typing import Final

from starlette.responses import Response

from modelpack.registry.claims import token_of
from modelpack.tracking.records import ViewType
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import Pager, contains, with_query
from modelpack.tracking.ui.rendering import page, redirect
from modelpack.tracking.ui.telling import segment

SIZE: Final = 50


def show(ask: Ask) -> Response:
    """The experiments that are called like what is looked for, those changed last first."""
    wanted, view = ask.one("q"), ask.one("view")
    pager = Pager.of(ask, SIZE)
    found = ask.parts.tracking.search_experiments(
        contains("name", wanted),
        view=ViewType.DELETED_ONLY if view == "deleted" else ViewType.ACTIVE_ONLY,
        order_by=["last_update_time DESC"],
        max_results=SIZE,
        page_token=token_of(pager.offset),
    )
    return page(
        "experiments.html",
        ask,
        found=found.items,
        wanted=wanted,
        view="deleted" if view == "deleted" else "active",
        pager=pager.before(found.next_token),
        # One is there from the start.
        is_new=len(found.items) < 2 and not (wanted or view or pager.number > 1),
    )


def create(ask: Ask) -> Response:
    """Make an experiment, and go there."""
    made = ask.parts.tracking.create_experiment(ask.sent("name").strip(), tags={})
    return redirect(with_query(f"/experiments/{segment(made)}", told="created"))


def ask_rename(ask: Ask) -> Response:
    """Ask for the new name."""
    return _asked(ask, "rename")


def rename(ask: Ask) -> Response:
    """Rename it, and go back there."""
    ask.parts.tracking.rename_experiment(ask.path["experiment"], ask.sent("name").strip())
    return redirect(with_query(f"/experiments/{segment(ask.path['experiment'])}", told="renamed"))


def ask_delete(ask: Ask) -> Response:
    """Ask whether it is meant."""
    return _asked(ask, "delete")


def delete(ask: Ask) -> Response:
    """Hide it and its runs."""
    ask.parts.tracking.delete_experiment(ask.path["experiment"])
    return redirect("/?told=deleted")


def restore(ask: Ask) -> Response:
    """Show it and its runs again."""
    ask.parts.tracking.restore_experiment(ask.path["experiment"])
    return redirect(with_query(f"/experiments/{segment(ask.path['experiment'])}", told="restored"))


def _asked(ask: Ask, act: str) -> Response:
    experiment = ask.parts.tracking.get_experiment(ask.path["experiment"])
    return page("experiment_asked.html", ask, experiment=experiment, act=act)


PAGES: Final = (
    Page("GET", "/", show),
    Page("POST", "/experiments", create, "write"),
    Page("GET", "/experiments/{experiment}/rename", ask_rename, "write"),
    Page("POST", "/experiments/{experiment}/rename", rename, "write"),
    Page("GET", "/experiments/{experiment}/delete", ask_delete, "write"),
    Page("POST", "/experiments/{experiment}/delete", delete, "write"),
    Page("POST", "/experiments/{experiment}/restore", restore, "write"),
)

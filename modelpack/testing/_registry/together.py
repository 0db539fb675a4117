"""Many users of one store at once."""

# ruff: noqa: S101 - these are tests: they assert

from collections.abc import Callable

from modelpack.errors import AlreadyExists, Conflict, NotFound
from modelpack.registry.store import RegistryStore
from modelpack.testing._registry.steps import (
    at_once,
    create,
    extend,
    promote,
    stages_of,
)


class Together:
    """What many do at the same instant happens one after the other."""

    def test_one_store_sees_what_another_did(self, open_store: Callable[[], RegistryStore]) -> None:
        first, second = open_store(), open_store()
        extend(first, "churn")
        promote(second, "churn", 1, "Production")
        assert first.get_version("churn", 1).stage == "Production"
        first.close()
        second.close()

    def test_sixty_four_registrations_at_once_get_the_numbers_one_to_sixty_four(
        self, store: RegistryStore
    ) -> None:
        numbers = at_once(64, lambda _: extend(store, "churn").version)
        assert sorted(numbers) == list(range(1, 65))

    def test_of_many_who_enter_one_name_exactly_one_succeeds(self, store: RegistryStore) -> None:
        def enter(number: int) -> bool:
            try:
                create(store, "churn", description=str(number))
            except AlreadyExists:
                return False
            return True

        assert sum(at_once(16, enter)) == 1

    def test_of_many_with_the_same_expectation_exactly_one_is_promoted(self, store: RegistryStore) -> None:
        for _ in range(16):
            extend(store, "churn")

        def take_over(number: int) -> bool:
            try:
                promote(store, "churn", number + 1, "Production", expected=None)
            except Conflict:
                return False
            return True

        assert sum(at_once(16, take_over)) == 1
        assert stages_of(store, "churn").count("Production") == 1

    def test_names_that_are_swapped_at_once_do_not_get_stuck(self, store: RegistryStore) -> None:
        for name in ("a", "b"):
            create(store, name)

        def swap(number: int) -> None:
            old, new = ("a", "b") if number % 2 else ("b", "a")
            for verb in (
                lambda: store.rename_model(old, new),
                lambda: store.delete_model(new),
                lambda: extend(store, old),
            ):
                try:
                    verb()
                except (AlreadyExists, NotFound):
                    continue

        at_once(8, swap)

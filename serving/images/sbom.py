"""The bill of materials of an image, as CycloneDX JSON: its model, and every distribution of its lock."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from modelpack._version import __version__
from serving.images.plan import ImagePlan
from serving.images.requirements import DISTRIBUTION
from serving.images.trim import EPOCH


def document(plan: ImagePlan) -> str:
    """CycloneDX 1.6. The same plan gives the same text: its number comes from what it lists.

    What the base image holds is not in it; a scanner of images sees that.
    """
    image = Component(
        name=plan.name, version=plan.version or None, type=ComponentType.CONTAINER, bom_ref="image"
    )
    image.properties.add(Property(name="modelpack:base", value=plan.base))
    image.properties.add(Property(name="modelpack:platform", value=plan.platform))
    parts = [_model(plan), _server(), *_distributions(plan)]
    metadata = BomMetaData(component=image, timestamp=_time(plan))
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"{plan.digest}\n{plan.base}\n{plan.lock.text}")
    bom = Bom(components=parts, metadata=metadata, serial_number=number)
    bom.register_dependency(image, parts)
    return f"{JsonV1Dot6(bom).output_as_string(indent=1)}\n"


def _model(plan: ImagePlan) -> Component:
    return Component(
        name=plan.name,
        version=plan.version or None,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=plan.digest.removeprefix("sha256:"))],
        properties=[Property(name="modelpack:reference", value=plan.reference)] if plan.reference else [],
    )


def _server() -> Component:
    return Component(name=DISTRIBUTION, version=__version__, type=ComponentType.APPLICATION, bom_ref="server")


def _distributions(plan: ImagePlan) -> Iterator[Component]:
    for name, version in sorted(plan.lock.pins.items()):
        place = PackageURL(type="pypi", name=name, version=version)
        yield Component(
            name=name, version=version, type=ComponentType.LIBRARY, purl=place, bom_ref=place.to_string()
        )


def _time(plan: ImagePlan) -> datetime:
    """When the model was saved: a document that is the same tomorrow cannot say when it was written."""
    if not plan.created:
        return datetime.fromtimestamp(EPOCH, UTC)
    return datetime.fromisoformat(plan.created)

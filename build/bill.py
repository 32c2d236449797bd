"""The bill of materials (CycloneDX) and the licences of what is packed into the executable."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Iterable
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import app
from build.windows import ROOT

NAMESPACE = uuid.UUID("6f1f3c0e-3f0b-4f67-9d5c-0d9a5be0c7a5")  # of the bills' serial numbers, which follow from content
LICENCE_FILE = re.compile(r"(^|/)(LICEN[CS]E|COPYING|NOTICE)", re.IGNORECASE)
CLASSIFIERS = {"MIT License": "MIT", "BSD License": "BSD-3-Clause", "Apache Software License": "Apache-2.0"}
PRODUCTS_OF_BUILDING = {"pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception"}
"""Their loader is in the executable, none of their modules. Its licence stands in COPYING.txt, and in no metadata."""

HEAD = """ViewKeeper.exe holds the works named below, each under the licence that stands beside it.

Qt and PySide6 are used under the LGPL, version 3, whose text is at the end. The executable can be built anew with
another Qt: its sources come with a description of how (build/make.py exe).
"""
RULE = "\n" + "=" * 100 + "\n"


def write(contents: Path, libraries: Path, bill: Path, licences: Path, moment: int) -> None:
    """Write both from `contents`: the files that were packed, as JSON, and the version and licence of Python.

    `moment` (seconds since 1970) dates the bill, so that two builds of the same files are alike."""
    told = json.loads(contents.read_text("utf-8"))
    used = used_distributions(libraries, told["files"])
    bill.write_text(_as_json(used, told["python"], moment), "utf-8", newline="\n")
    licences.write_text(_licences(used, told), "utf-8", newline="\n")


def used_distributions(libraries: Path, files: Iterable[str]) -> list[Distribution]:
    """Return those of the installed distributions of which a file was packed. `files` are relative to `libraries`."""
    packed = {file.replace("\\", "/").lower() for file in files}
    found: list[Distribution] = []
    for folder in libraries.glob("*.dist-info"):
        one = PathDistribution(folder)
        own = {str(file).replace("\\", "/").lower() for file in one.files or ()}
        if own & packed or _name(one) in PRODUCTS_OF_BUILDING:
            found.append(one)
    return sorted(found, key=_name)


def _name(one: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()


def _told(one: Distribution, field: str) -> str:
    return one.metadata[field] if field in one.metadata else ""  # noqa: SIM401  # its type promises no get


def licence(one: Distribution) -> str:
    """Return a distribution's licence as SPDX calls it, as far as its metadata tells."""
    if known := PRODUCTS_OF_BUILDING.get(_name(one)):
        return known
    expression = _told(one, "License-Expression") or _told(one, "License")
    if expression and len(expression) < 60 and "Copyright" not in expression and "::" not in expression:
        return expression.strip()
    for classifier in one.metadata.get_all("Classifier") or ():
        short = classifier.rsplit(" :: ", 1)[-1]
        if classifier.startswith("License") and short in CLASSIFIERS:
            return CLASSIFIERS[short]
    return "MIT" if "MIT" in _texts(one)[:200] else "see its text"


def _as_json(used: list[Distribution], python: str, moment: int) -> str:
    product = Component(
        name="ViewKeeper", version=app.__version__, type=ComponentType.APPLICATION, bom_ref="viewkeeper"
    )
    parts = [
        Component(name="CPython", version=python, bom_ref="cpython", licenses=_licence_objects("PSF-2.0"),
                  purl=PackageURL("generic", name="python", version=python)),
        *(_component(one) for one in used),
    ]  # fmt: skip
    bom = Bom(components=parts, metadata=BomMetaData(component=product, timestamp=_dated(moment)))
    told = "\n".join(f"{part.name} {part.version}" for part in parts)
    bom.serial_number = uuid.uuid5(NAMESPACE, f"{app.__version__} {moment}\n{told}")
    bom.register_dependency(product, parts)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _dated(moment: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


def _component(one: Distribution) -> Component:
    name = _name(one)
    return Component(
        name=name, version=one.version, bom_ref=name, description=_told(one, "Summary"),
        licenses=_licence_objects(licence(one)), purl=PackageURL("pypi", name=name, version=one.version),
    )  # fmt: skip


def _licence_objects(words: str) -> list[License]:
    return [LicenseFactory().make_from_string(words)]


def _texts(one: Distribution) -> str:
    found = [file for file in one.files or () if ".dist-info/" in str(file) and LICENCE_FILE.search(str(file))]
    return "\n\n".join(file.read_text("utf-8").strip() for file in sorted(found, key=str))


def _licences(used: list[Distribution], told: dict[str, str]) -> str:
    blocks = [HEAD, f"CPython {told['python']} (PSF-2.0)\n\n{told['python_licence'].strip()}"]
    blocks += [f"{_name(one)} {one.version} ({licence(one)})\n\n{_texts(one)}".rstrip() for one in used]
    for name in ("LGPL-3.0", "GPL-3.0"):
        blocks.append((ROOT / "build" / "licences" / f"{name}.txt").read_text("utf-8").rstrip())
    return RULE.join(f"{block.strip()}\n" for block in blocks)

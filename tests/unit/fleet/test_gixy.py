# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx is given, for every shipped inventory and every example of the documents, looked at by gixy-next."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from examples import variables
from inventory_builder import InventoryBuilder
from shipped_inventories import INVENTORIES, nginx_text, shipped

PROGRAM = str(Path(sys.executable).parent / "gixy")

EXPLAINED: dict[str, str] = {
    "stale_dns_cache": "the variable holds the name of an upstream, and the planner refuses one that is not there",
    "try_files_is_evil_too": "who has the files knows if a cache of open ones pays; the example is about try_files",
}
"""By plugin: why what it finds is not so."""

Found = t.Mapping[str, t.Any]


def samples() -> t.Iterator[tuple[str, str]]:
    """Yield the name and the text of each sample: a balancer and a backend of everything that we show."""
    for folder in INVENTORIES:
        inventory = shipped(folder)
        for host in {str(group): members[0] for group, members in inventory.groups.items() if members}.values():
            for document in inventory.documents(host).values():
                if "nginx" in document["state"]:
                    yield f"{folder.name} {host}", nginx_text(document["state"]["nginx"])
    for example in variables():
        built = InventoryBuilder(example.everywhere, groups=example.groups, **example.hosts)
        for members in example.groups.values():
            for document in built.documents(next(iter(members))).values():
                served = document["state"].get("nginx", {})
                # Where nginx.conf is the package's there is nothing of ours that could be read alone.
                if served.get("nginx_conf") == "managed":
                    yield example.place, nginx_text(served)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    folder = tmp_path_factory.mktemp("samples")
    names: dict[str, str] = {}
    for name, text in samples():
        # Examples that are about keepalived are all the same for nginx.
        names.setdefault(text.replace("include /etc/nginx/mime.types;", ""), name)
    paths = [folder / f"{number}.conf" for number in range(len(names))]
    for path, text in zip(paths, names):
        path.write_text(text)
    assert len(paths) > 30
    done = subprocess.run([PROGRAM, "-f", "json", *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    sample = dict(zip(map(str, paths), names.values()))
    return [{**one, "sample": sample[one["path"]]} for one in json.loads(done.stdout)]


def test_nothing_is_found_that_is_not_explained(found: list[Found]) -> None:
    unexplained = [one for one in found if one["plugin"] not in EXPLAINED]
    told = [f"{one['sample']}: {one['plugin']}: {one['reason']}\n{one['config']}" for one in unexplained]
    assert told == [], "\n".join(told)


def test_all_that_is_explained_is_found(found: list[Found]) -> None:
    assert set(EXPLAINED) <= {one["plugin"] for one in found}

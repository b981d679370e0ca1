"""The examples of docs/client.md run as they stand, against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gisgrid import AsyncClient, Client
from gisgrid.db import Database
from tests.client.conftest import serving

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client.md").read_text(encoding="utf-8")


def test_the_examples_run(own_town: Database, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 6
    with serving(own_town) as server:
        for example in examples:
            exec(example.replace("http://127.0.0.1:8000", server.url), names)
    said = capsys.readouterr().out
    assert "ResponsibleUnit" in said
    assert "NotLocated(message='lon: is missing" in said
    assert "door_plate" in said
    assert "U1" in said
    assert re.search(r"c2\s+POINT.*370203001002002", said)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_every_method_is_on_the_page(kind: type) -> None:
    methods = [name for name, value in vars(kind).items() if callable(value) and not name.startswith("_") and name != "close"]
    assert len(methods) == 13
    assert [name for name in methods if f"| `{name}(" not in PAGE] == []

"""What every test may use."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# Every run looks at the same examples, however slow the machine is; `--hypothesis-profile=search` looks for others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile("same")

# A shell that runs the tests in the background has them ignore Ctrl-c, and with them every program they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.servers.fixtures", "tests.google.fixtures"]

_SERVER_FIXTURES = {"servers", "module_servers"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever uses a real server, so that `-m 'not server'` is the quick half."""
    for item in items:
        if isinstance(item, pytest.Function) and _SERVER_FIXTURES.intersection(item.fixturenames):
            item.add_marker(pytest.mark.server)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuiops.cli import reviews, settings
from tuiops.cli.main import parser
from tuiops.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_an_edited_file_is_read_again_with_every_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    file = tmp_path / "config.toml"
    file.write_text('[sources.host]\ntype = "host"\n', encoding="utf-8")
    reload = settings.subject(parser().parse_args(["--config", str(file)]), reviews.DRAWING).reload
    assert reload is not None
    for wrong in ('display.theme = "lihgt"', 'keys.bind."app.halp" = "x"', 'display.time_zone = "Tokyo"'):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(ConfigError, match="did you mean"):
            reload()

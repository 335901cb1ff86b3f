"""The five simulated systems, in the order in which they are shown."""

from __future__ import annotations

from tuiops.sim.fleet.manga import MANGA
from tuiops.sim.fleet.omniy import OMNIY
from tuiops.sim.fleet.pricealert import PRICEALERT
from tuiops.sim.fleet.sagebase import SAGEBASE
from tuiops.sim.fleet.tokyo import TOKYO

FLEET = (PRICEALERT, MANGA, TOKYO, OMNIY, SAGEBASE)

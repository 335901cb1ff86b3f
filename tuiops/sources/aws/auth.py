"""AWS credentials and the signatures made with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuiops.config.credentials import AwsCredentials
    from tuiops.core.clock import Clock


class AwsAuth:
    """Finds credentials as the AWS command line does."""

    def __init__(self, config: AwsCredentials, region: str, clock: Clock) -> None:
        self._config = config
        self._region = region
        self._clock = clock

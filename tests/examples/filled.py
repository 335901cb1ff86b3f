"""The examples with their blanks filled in, as somebody would who owns the five systems."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = Path(__file__).parents[2] / "examples"
SYSTEMS = ("manga", "tokyo", "omniy", "sagebase", "pricealert")

_GOOGLE = "https://monitoring.googleapis.com/v1/projects/{}/location/global/prometheus"
_PROMETHEUS = _GOOGLE.format("PROJECT")

VALUES: Mapping[str, Mapping[str, str]] = {
    "manga": {
        "the Google Cloud project of manga": "manga-example",
        f"{_PROMETHEUS} with manga's project": _GOOGLE.format("manga-example"),
        "the value of the label api_name of external_api_calls_total for Gemini": "gemini",
        "the value of the label api_name of external_api_calls_total for Imagen": "imagen",
        "the name of manga's Memorystore instance": "manga-redis",
    },
    "tokyo": {
        "the address of the chat's health endpoint, https://HOST/api/health": "https://chat.example/api/health",
        "the address of tokyo-ai-chat-redis": "10.0.0.3",
    },
    "omniy": {
        "85% of the storage that omniy pays for, such as > 85GB": "> 85GB",
        "the Firebase Hosting site of omniy.app": "omniy-example",
    },
    "sagebase": {
        "the Google Cloud project of sagebase": "sagebase-example",
        f"{_PROMETHEUS} with sagebase's project": _GOOGLE.format("sagebase-example"),
        "the ID of the uptime check of sagebase": "sagebase-abc123",
        "the Cloud SQL instance of sagebase": "sagebase-db",
    },
    "pricealert": {
        "the address of PriceAlert's Prometheus": "http://prometheus.pricealert.example:9090",
        "the address of PriceAlert's Alertmanager": "http://alertmanager.pricealert.example:9093",
        "the AWS region of PriceAlert": "ap-northeast-1",
        "the address of PriceAlert's Elasticsearch": "https://elasticsearch.pricealert.example:9200",
        "the time to respond to a P1, such as 15m": "15m",
        "the time to respond to a P2, such as 1h": "1h",
        "the name of the API's ECS service": "api",
        "the name of the Celery workers' ECS service": "worker",
        "the ECS cluster of PriceAlert": "price-alert",
        "the ElastiCache cluster of PriceAlert": "price-alert",
        "the ElastiCache node of PriceAlert, such as price-alert-001": "price-alert-001",
        "a fifth of the database's allocated storage, such as < 20GiB": "< 20GiB",
        "the address of the API's health endpoint": "https://api.pricealert.example/health",
        "the host name of the API": "api.pricealert.example",
        "the host name of PriceAlert's Redis": "redis.pricealert.example",
        "the index of the API's logs, such as pricealert-api-*": "pricealert-api-*",
        "the index of the Celery workers' logs, such as pricealert-celery-*": "pricealert-celery-*",
    },
}
"""What belongs into the blanks of each system's configuration, by what they ask for."""

RUNBOOK_VALUES: Mapping[str, Mapping[str, str]] = {
    "tokyo": {
        "the health endpoint of the chat's tag blue, https://blue---SERVICE-HASH.a.run.app/api/health": (
            "https://blue---tokyo-ai-chat-service-abc123-an.a.run.app/api/health"
        ),
        "the address of the chat's page": "https://chat.example/",
        "what the chat's page says during maintenance, as a regular expression": "maintenance",
    },
    "sagebase": {
        "the absolute path of a file that may hold sagebase's new database password for a few minutes": (
            "/home/ops/.sagebase-password"
        ),
        "--update-secrets=VARIABLE={secret}:{version.number} "
        "with the variable of sagebase-streamlit that holds the password": (
            "--update-secrets=DATABASE_PASSWORD={secret}:{version.number}"
        ),
        "--update-secrets=VARIABLE={secret}:{old} with the variable of sagebase-streamlit that holds the password": (
            "--update-secrets=DATABASE_PASSWORD={secret}:{old}"
        ),
    },
}
"""What belongs into the blanks of its runbooks."""


def filled(folder: Path) -> Path:
    """A copy of `examples` in which nothing is blank."""
    copy = folder / "examples"
    shutil.copytree(EXAMPLES, copy)
    for system in SYSTEMS:
        values = {**VALUES[system], **RUNBOOK_VALUES.get(system, {})}
        for file in (copy / system / "system.toml", *(copy / system / "runbooks").glob("*.toml")):
            text = file.read_text(encoding="utf-8")
            for wanted, value in values.items():
                text = text.replace(f'"FILL IN: {wanted}"', f'"{value}"')
            file.write_text(text, encoding="utf-8")
    return copy

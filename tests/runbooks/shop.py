"""The configuration of a shop that runbooks are checked against."""

from __future__ import annotations

CONFIG = """
environment = "production"
[environments.production]
production = true
[bastions.gate]
host = "gate.example"
[sources.cloud]
type = "gcp"
project = "shop-example"
region = "asia-northeast1"
[sources.aws]
type = "aws"
region = "ap-northeast-1"
[sources.prometheus]
type = "prometheus"
url = "http://127.0.0.1:9090"
[sources.host]
type = "host"
[systems.shop.services.api]
[systems.shop.services.db]
[systems.shop.services.web]
[systems.shop.resources.api]
kind = "cloud_run"
source = "cloud"
service = "api"
name = "api"
[systems.shop.resources.web]
kind = "ecs"
source = "aws"
service = "web"
cluster = "main"
name = "web"
[systems.shop.resources.db]
kind = "cloud_sql"
source = "cloud"
service = "db"
name = "shop-db"
backup = "> 26h"
[systems.shop.resources.key]
kind = "secret"
source = "cloud"
service = "db"
name = "password"
[systems.shop.resources.cache]
kind = "memorystore"
source = "cloud"
service = "db"
name = "cache"
[systems.shop.indicators.errors]
kind = "ratio"
source = "prometheus"
heading = "ERR"
services = ["api"]
total = "a"
bad = "b"
[systems.shop.indicators.p95]
kind = "latency"
source = "prometheus"
heading = "P95"
histogram = "h_bucket"
[systems.shop.indicators.queue]
kind = "gauge"
source = "prometheus"
heading = "QUEUE"
services = ["api"]
query = "q"
[systems.shop.indicators.cpu]
kind = "cloudwatch"
source = "aws"
heading = "CPU"
services = ["web"]
namespace = "AWS/ECS"
metric = "CPUUtilization"
unit = "percent"
[systems.shop.probes.health]
kind = "http"
service = "api"
url = "https://shop.example/health"
"""

"""Amazon ECS: services, their deployments and their tasks."""

"""The microservice chassis: everything a service of the fleet needs that is not its business."""

"""Webhooks: in from helpdesks, verified; out to the desk's own systems, signed."""

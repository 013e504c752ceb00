"""Spans and counters by OpenTelemetry, for hosts that have set up its SDK."""

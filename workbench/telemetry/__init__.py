"""What others can watch: Prometheus metrics, OpenTelemetry spans, and the log file of the program.

One observer reads the driver's feed on a thread of its own and derives facts of it (`deriving`); metrics, spans and
lines of the log are made of these facts. Nothing here is known to the driver, nothing of it enters a request or a run,
and what fails here is written down and never stops anything. The kits of Prometheus and OpenTelemetry are extras:
they are imported where they are asked for.
"""

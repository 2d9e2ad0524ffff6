"""The metrics that there are: the page docs/operations.md has a row for each, and a test holds them equal.

Times are seconds since 1970 (UTC), as Prometheus advises in place of ages: `time() - NAME` is the age.
"""

from __future__ import annotations

from piiscan.metrics.exposition import Family

OUTCOMES = ("scanned", "partial", "skipped", "failed")
SEVERITIES = ("low", "medium", "high", "critical")
CATEGORIES = ("credentials", "financial", "pii", "phi", "business", "custom")
STATUSES = ("running", "done", "cancelled", "failed")
ENDED = ("done", "failed", "died", "skipped")
"""Outcomes of a fire that do not change any more, so that their counts only grow."""
MESSAGES = ("due", "sent", "dead")
"""States of an alert on its way to a sink."""

FAMILIES: tuple[Family, ...] = (
    Family("piiscan_build_info", "gauge", "1, with the version that answers.", ("version", "python")),
    Family("piiscan_database_bytes", "gauge", "Size of the database file."),
    Family("piiscan_database_busy", "gauge", "1 while another process writes; the snapshot answers then."),
    Family("piiscan_data_timestamp_seconds", "gauge", "When the file that answers was written last."),
    Family("piiscan_snapshot_timestamp_seconds", "gauge", "When the last snapshot was published."),
    Family("piiscan_runs", "gauge", "Runs on record by status.", ("status",)),
    Family("piiscan_last_success_timestamp_seconds", "gauge", "End of the last run that was done."),
    Family("piiscan_last_run_start_timestamp_seconds", "gauge", "Start of the run that ended last."),
    Family("piiscan_last_run_duration_seconds", "gauge", "From its start to its end, breaks included."),
    Family("piiscan_last_run_success", "gauge", "1 when it was done, 0 when it failed or was stopped."),
    Family("piiscan_last_run_objects", "gauge", "Objects that it examined by outcome.", ("outcome",)),
    Family("piiscan_last_run_unchanged_objects", "gauge", "Objects that it left out as unchanged."),
    Family("piiscan_last_run_examined_bytes", "gauge", "Bytes that it examined."),
    Family("piiscan_objects", "gauge", "Objects in the newest state by outcome.", ("outcome",)),
    Family("piiscan_object_bytes", "gauge", "Their size by outcome.", ("outcome",)),
    Family("piiscan_coverage_ratio", "gauge", "Share of them that were read whole; links and the like left out."),
    Family("piiscan_findings", "gauge", "Open findings, samples left out.", ("severity", "category")),
    Family("piiscan_jobs", "gauge", "Jobs by state: active or paused.", ("state",)),
    Family("piiscan_job_next_fire_timestamp_seconds", "gauge", "When a job that is not paused is due.", ("job",)),
    Family("piiscan_job_last_outcome", "gauge", "1 for the outcome of a job's last fire.", ("job", "outcome")),
    Family("piiscan_job_last_exit_code", "gauge", "Exit code of the last fire that ended.", ("job",)),
    Family("piiscan_job_last_end_timestamp_seconds", "gauge", "When it ended.", ("job",)),
    Family("piiscan_job_last_duration_seconds", "gauge", "How long it took.", ("job",)),
    Family("piiscan_job_fires_total", "counter", "Fires that are over by outcome.", ("job", "outcome")),
    Family("piiscan_alert_messages", "gauge", "Alerts by state: due, sent, or dead (given up).", ("state",)),
    Family("piiscan_alert_evaluations_total", "counter", "How often a rule was evaluated.", ("alert",)),
    Family("piiscan_alert_last_evaluation_timestamp_seconds", "gauge", "When it was evaluated last.", ("alert",)),
    Family("piiscan_watches", "gauge", "Watches of this server by state: up or down.", ("state",)),
    Family("piiscan_scan_in_progress", "gauge", "1 while a scan writes to this database."),
    Family("piiscan_scan_start_timestamp_seconds", "gauge", "When the scan in progress began."),
    Family("piiscan_scan_listed_objects", "gauge", "Objects that it has listed."),
    Family("piiscan_scan_planned_objects", "gauge", "Objects that it has found to be read."),
    Family("piiscan_scan_planned_bytes", "gauge", "Their size."),
    Family("piiscan_scan_unchanged_objects", "gauge", "Objects that it leaves out as unchanged."),
    Family("piiscan_scan_objects", "gauge", "Objects that it has done by outcome.", ("outcome",)),
    Family("piiscan_scan_examined_bytes", "gauge", "Bytes of these objects."),
    Family("piiscan_scan_matches", "gauge", "Matches in these objects."),
)

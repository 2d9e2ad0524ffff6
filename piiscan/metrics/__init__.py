"""What is measured of a database and of the scan that runs, for Prometheus: `piiscan serve` and `--metrics-file`."""

"""Scheduled scans: when jobs are due (`schedule`), what is kept (`store`), one fire (`work`), the loop (`serve`)."""

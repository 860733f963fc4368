"""HAProxy: its file, the running process, its timings, its statistics page."""

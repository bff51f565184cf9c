"""One SQLite file a run: planned, sent, answered, scored; resume; the list of runs; the response cache.

``run.RunStore`` is a run's file, ``lock`` keeps it to one process, ``runs`` finds runs, ``prune`` removes them,
``cache`` keeps answers across runs.
"""

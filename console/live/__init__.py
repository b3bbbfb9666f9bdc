"""The live page of a director: what it measures now, for a browser, a program, Prometheus or a terminal.

feed (bounded, from the director's thread) -> picture (what is known now) -> app (page, API, metrics), all three in a
thread and an event loop of their own.
"""

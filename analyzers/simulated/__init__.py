"""Simulated power analyzers: each a process of its own behind a port, drawing a load that is known exactly.

A message travels: `fronts` and `line` (bytes in their time) -> `language` (what a message is) -> a make's commands
(`commands`, `inputs`, `items` and `yokogawa` with a profile of `profiles`; `hioki`; `lmg`) -> `meter` (what is
measured) -> `load` (what is drawn).
"""

"""A simulated Yokogawa WT310E: a process of its own behind a pseudo terminal, drawing a load that is known exactly.

A message travels: `line` (bytes in their time) -> `language` (what a message is) -> `commands` and `wt310e` (what it
does) -> `meter` (what is measured) -> `load` (what is drawn).
"""

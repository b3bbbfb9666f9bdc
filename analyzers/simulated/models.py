"""The simulated models: a new one is a module with a maker and one line here."""

import importlib

from analyzers.simulated.device import Maker

MODELS: dict[str, str] = {
    "gpm8213": "analyzers.simulated.gpm:gpm8213",
    "gpm8310": "analyzers.simulated.gpm:gpm8310",
    "lmg610": "analyzers.simulated.lmg:lmg610",
    "lmg670": "analyzers.simulated.lmg:lmg670",
    "pw3335": "analyzers.simulated.hioki:pw3335",
    "pw3336": "analyzers.simulated.hioki:pw3336",
    "pw3337": "analyzers.simulated.hioki:pw3337",
    "wt1804e": "analyzers.simulated.commands:wt1804e",
    "wt210": "analyzers.simulated.commands:wt210",
    "wt310": "analyzers.simulated.commands:wt310",
    "wt310e": "analyzers.simulated.commands:wt310e",
    "wt333e": "analyzers.simulated.commands:wt333e",
    "wt500": "analyzers.simulated.commands:wt500",
    "wt5000": "analyzers.simulated.commands:wt5000",
}
"""Where the maker of each model is."""


def maker_of(model: str) -> Maker:
    """Get what makes a model of `MODELS`."""
    module, _, name = MODELS[model].partition(":")
    maker: Maker = getattr(importlib.import_module(module), name)
    return maker

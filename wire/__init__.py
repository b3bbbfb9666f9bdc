"""How director and client talk: protocol v3."""

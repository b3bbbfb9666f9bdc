"""Applies rules to evidence: facts, checks, findings, verdict."""

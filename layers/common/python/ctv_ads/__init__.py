"""Shared package of the CTV ad server: the domain, its use cases and their adapters."""

"""What the use cases need from the world, as small protocols.

Every port has an in-memory twin in `adapters/memory/`; one contract test per port
(`tests/contracts/`) runs against the twin and the real adapter.
"""

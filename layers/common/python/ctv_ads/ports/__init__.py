"""What the use cases need from the world, as small protocols.

Queues, uploads and the published inventory have in-memory twins in `adapters/memory/`; one
contract test per port (`tests/contracts/`) runs against the twin and the real adapter. What
PostgreSQL implements has no twin (`docs/decisions/0012-postgresql-has-no-twin.md`).
"""

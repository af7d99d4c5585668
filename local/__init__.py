"""The whole product on one machine: `python -m local run`. Never part of a deployment."""

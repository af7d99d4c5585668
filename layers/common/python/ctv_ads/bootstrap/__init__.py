"""The composition root: settings become adapters, adapters become use cases, once per process.

One module per plane, so that the decision plane imports nothing of the control plane.
"""

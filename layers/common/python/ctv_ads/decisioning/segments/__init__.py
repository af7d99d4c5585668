"""The targeting index: all servable line items of an organization, searched in rank order."""

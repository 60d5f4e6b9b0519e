"""A stand-in for a MitID broker: an OpenID provider for the demo and for tests, never for production.

It has a process of its own, and imports as little as it can: nothing here but `drawn` knows the demo school.
"""

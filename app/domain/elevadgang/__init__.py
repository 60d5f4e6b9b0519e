"""Elevadgang: who may help which pupil, and the five minutes in which the pupil gets a new password."""

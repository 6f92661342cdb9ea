"""Grades: what a grader is, and how far its grades can be trusted. Imports no torch."""

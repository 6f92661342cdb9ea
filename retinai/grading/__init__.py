"""Grades: what a grader is, how one is trained, and how far its grades can be trusted. Importing the package loads no torch."""

"""Lesion map in, cited sentences out: lesions, landmarks, rules, evidence, text. Arrays and plain Python, no models."""

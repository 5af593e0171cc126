"""Diagnose what may be wrong with a student's work, by comparing its accuracies with those of known mistakes."""

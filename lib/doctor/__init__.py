"""What may be wrong with a student's work: known mistakes, and a diagnosis from the accuracies."""

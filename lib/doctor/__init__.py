"""What may be wrong with a student's work: the mistakes that are known, and which of them it looks like."""

"""Which printer prints which job, when, and what a person has to do when."""

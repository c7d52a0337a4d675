"""checks: what a table holds and what would hinder training, before anything is trained."""

"""run: the main job, from data to a trained model with a verdict, and the record that is kept of it."""

"""Training of the checkpoints that the explorer shows: S-D attention and its standard twin."""

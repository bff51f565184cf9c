"""What the simulated models know, a family of questions a file. Pure: an answer depends on the prompt's text alone."""

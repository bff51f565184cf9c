"""Floor 2: the embedded default model and everybody's test bench, in three layers: models, engine, server."""

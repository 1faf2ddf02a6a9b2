"""The pipeline's stages as dvc.yaml, their dependencies from the imports, and the stale ones."""

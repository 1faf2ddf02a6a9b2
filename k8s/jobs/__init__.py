"""The pipeline in the cluster."""

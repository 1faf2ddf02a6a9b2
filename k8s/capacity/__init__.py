"""What the deployment can carry: the autoscaler of the manifests, simulated against traffic."""

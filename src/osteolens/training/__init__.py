"""From a manifest and a configuration to a checkpoint."""

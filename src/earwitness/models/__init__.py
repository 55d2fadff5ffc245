"""Networks (torch): SELD network, Cross-Modal Conformer, official baselines; their checkpoints."""

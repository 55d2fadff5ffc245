"""The paper's whole recipe in one command: data, embeddings, pre-training, fine-tuning, ensemble, ablation table."""

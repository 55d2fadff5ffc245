"""Trained models on the Hugging Face hub: addresses, cards, download and upload."""

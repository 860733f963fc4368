"""What is done, step by step, and the reference artefacts."""

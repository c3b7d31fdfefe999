"""The page of the explorer: components of Gradio and what happens between them, and nothing else."""

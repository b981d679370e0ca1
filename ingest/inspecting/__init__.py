"""Looking at an unknown file: what it holds, what each column probably is, and a source description to start from."""

"""Rules of assignment at work: keeping them, and trying others on past cases."""

"""gisgrid: the domain of city-grid governance and its store; answers questions, serves nobody."""

__version__ = "0.1.0"

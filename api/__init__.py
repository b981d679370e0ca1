"""HTTP: the app factory, its routes and the web console."""

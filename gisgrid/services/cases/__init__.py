"""Cases: taken in, decided, changed, decided again; a connection in, documents out."""

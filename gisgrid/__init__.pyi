from gisgrid.client import AsyncClient as AsyncClient
from gisgrid.client import Client as Client
from gisgrid.locator import Locator as Locator

__all__ = ["AsyncClient", "Client", "Locator", "__version__"]
__version__: str

from tests.engine.conftest import site

__all__ = ["site"]

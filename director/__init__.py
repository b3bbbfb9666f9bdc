"""One measured session, from ranging to package."""

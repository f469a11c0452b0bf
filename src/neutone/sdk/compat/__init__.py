"""Names and limits of neutone_sdk that are kept for models written for it."""

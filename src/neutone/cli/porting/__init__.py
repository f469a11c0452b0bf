"""Turn code written for neutone_sdk into code for neutone."""

"""PostgreSQL: one repository per aggregate, plain SQL, our records in and out."""

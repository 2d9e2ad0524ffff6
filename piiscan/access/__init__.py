"""Who reads what: logs of S3 into sums of requests by object and principal, and what is unusual in them."""

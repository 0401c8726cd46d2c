"""Salesforce: log-in, describe, Bulk API 2.0 and REST queries, deletes."""

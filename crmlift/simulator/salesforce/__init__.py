"""The simulated Salesforce: OAuth and SOAP log-in, REST, SOQL, Bulk 2.0 and Bulk 1 queries.

`org` holds what the requests share, `routes` is the table of contents. Nothing here knows HubSpot.
"""

"""The simulated HubSpot: CRM objects, search, associations, properties, pipelines, owners, schemas, account, OAuth.

`portal` holds what the requests share, `routes` is the table of contents: legacy v3/v4 and dated addresses lead to the
same handlers. Nothing here knows Salesforce.
"""

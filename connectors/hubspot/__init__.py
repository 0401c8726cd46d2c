"""HubSpot: schemas, list, search and batch reads, associations, history, within its rate limits."""

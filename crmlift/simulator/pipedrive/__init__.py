"""The sales side of the company as Pipedrive would hold it: the same deals, people and activities in its shapes.

Nothing here is made before the first request to a Pipedrive address, so that companies that have none pay nothing.
"""

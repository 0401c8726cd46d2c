"""The fake Salesforce and HubSpot of one made-up company: who it is, what it does, and the servers that tell it."""

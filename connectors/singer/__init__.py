"""Any Singer tap as a source: runs its command, maps its schemas, follows its state."""
